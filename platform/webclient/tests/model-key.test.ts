import { readFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, expect, test, vi } from "vitest";

import { modelKey } from "../dev/model-key";

const PAGE = readFileSync(join(import.meta.dirname, "../index.html"), "utf8");
const KEY = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";

afterEach(() => vi.unstubAllGlobals());

function server(answer: () => Promise<Response>) {
  const fetch = vi.fn((_url: string) => answer());
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

async function served(): Promise<string> {
  const plugin = modelKey("http://server:8000");
  const transform = plugin.transformIndexHtml as unknown as (page: string) => Promise<string>;
  return await transform(PAGE);
}

/** What the page would read, as `main.tsx` does. */
const keyIn = (page: string) => /<meta\s+name="impasto-model-key"\s+content="([^"]*)"/.exec(page)?.[1];

test("the page comes with the server's key, and is otherwise as it was", async () => {
  const fetch = server(() => Promise.resolve(Response.json({ public_key: KEY })));

  const page = await served();

  expect(fetch).toHaveBeenCalledWith("http://server:8000/api/v1/model-releases/key/");
  expect(keyIn(page)).toBe(KEY);
  expect(page.replace(KEY, "")).toBe(PAGE);
});

test.each([
  ["is not there yet", () => Promise.reject(new TypeError("fetch failed"))],
  ["answers with no JSON", () => Promise.resolve(new Response("<h1>starting</h1>", { status: 503 }))],
  ["refuses", () => Promise.resolve(Response.json({ code: "not_found" }, { status: 404 }))],
])("the page comes without a key while the server %s", async (_why, answer) => {
  server(answer);

  expect(keyIn(await served())).toBe("");
});

test("what is built has no key: the server writes it", () => {
  expect(modelKey("http://server:8000").apply).toBe("serve");
  expect(keyIn(PAGE)).toBe("");
});
