import type { Plugin } from "vite";

/** `npm run dev` serves the page itself: it asks the server for the key that the server would have written into it. */
export function modelKey(server: string): Plugin {
  return {
    name: "impasto-model-key",
    apply: "serve",
    async transformIndexHtml(page) {
      const key = await keyOf(server);
      return page.replace('name="impasto-model-key" content=""', `name="impasto-model-key" content="${key}"`);
    },
  };
}

async function keyOf(server: string): Promise<string> {
  try {
    const answer = await fetch(`${server}/api/v1/model-releases/key/`);
    return answer.ok ? ((await answer.json()) as { public_key: string }).public_key : "";
  } catch {
    return ""; // the server is not there yet: nothing else works then either
  }
}
