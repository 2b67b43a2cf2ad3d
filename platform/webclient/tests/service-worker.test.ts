import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test, vi } from "vitest";

import { isKept } from "../build-offline";

const source = readFileSync(join(import.meta.dirname, "../src/service-worker.js"), "utf8");
const ASSET = "/static/client/assets/index-1.js";
const PAGE = `<script src="${ASSET}"></script>`;

type Stored = Map<string, Map<string, Response>>;
interface Options {
  page?: string;
  network?: (path: string) => Promise<Response>;
  /** What lies in the browser's caches, by their names. */
  stored?: Stored;
  scope?: string;
  version?: string;
}

const pathOf = (request: string | { url: string }) =>
  new URL(typeof request === "string" ? request : request.url, "http://here").pathname;

/** Run the worker as a browser would, with a network and caches of ours. */
function worker({
  page = PAGE,
  stored = new Map(),
  scope = "/record",
  version = "new",
  ...more
}: Options = {}) {
  const listeners: Record<string, (event: unknown) => void> = {};
  const network = vi.fn(
    more.network ?? ((path: string) => Promise.resolve(new Response(path === "/record" ? page : path))),
  );
  const cacheOf = (name: string) => {
    const kept = stored.get(name) ?? new Map<string, Response>();
    stored.set(name, kept);
    return {
      match: (request: string) => Promise.resolve(kept.get(pathOf(request))?.clone()),
      put: (request: string, answer: Response) => Promise.resolve(void kept.set(pathOf(request), answer)),
      add: async (path: string) => void kept.set(path, await network(path)),
      delete: (path: string) => Promise.resolve(kept.delete(path)),
      keys: () => Promise.resolve([...kept.keys()].map((path) => ({ url: `http://here${path}` }))),
    };
  };
  const caches = {
    open: (name: string) => Promise.resolve(cacheOf(name)),
    match(request: string, { cacheName = "" } = {}) {
      const places = [...stored].filter(([name]) => !cacheName || name === cacheName);
      const found = places.map(([, kept]) => kept.get(pathOf(request))).find(Boolean);
      return Promise.resolve(found?.clone());
    },
    keys: () => Promise.resolve([...stored.keys()]),
    delete: (name: string) => Promise.resolve(stored.delete(name)),
  };
  const filled = source.replace("/* files */ []", JSON.stringify([ASSET])).replace("/* version */", version);
  // oxlint-disable-next-line no-new-func
  new Function("self", "caches", "clients", "fetch", filled)(
    {
      location: { origin: "http://here" },
      registration: { scope: `http://here${scope}` },
      addEventListener: (kind: string, listener: (event: unknown) => void) => (listeners[kind] = listener),
    },
    caches,
    { claim: () => Promise.resolve() },
    (request: string | { url: string }) => network(pathOf(request)),
  );
  return {
    stored,
    network,
    run: (kind: "install" | "activate") =>
      new Promise<void>((resolve, reject) =>
        listeners[kind]!({ waitUntil: (work: Promise<void>) => work.then(resolve, reject) }),
      ),
    /** The answer, or null where the worker leaves the request to the browser. */
    ask(path: string, request: { method?: string; mode?: string } = {}): Promise<Response> | null {
      let answer: Promise<Response> | null = null;
      listeners.fetch!({
        request: { url: `http://here${path}`, method: "GET", mode: "cors", ...request },
        respondWith: (given: Promise<Response>) => (answer = given),
      });
      return answer;
    },
  };
}

const cut = () => Promise.reject(new TypeError("no network"));

test.each([
  ["/api/v1/me/", {}],
  ["/media/clips/1/video.mp4", {}],
  ["/models/abc/network.onnx", {}],
  ["/", { mode: "navigate" }],
  ["/create", { mode: "navigate" }],
  ["/recordings", { mode: "navigate" }],
  ["/api/v1/uploads/", { method: "POST" }],
])("%s %o is none of its business", (path, request) => {
  expect(worker().ask(path, request)).toBeNull();
});

test("a page comes from the network as long as there is one", async () => {
  const sw = worker();
  await sw.run("install");
  sw.network.mockImplementation(() => Promise.resolve(new Response("newer")));

  expect(await (await sw.ask("/record", { mode: "navigate" })!).text()).toBe("newer");
});

test.each(["/record", "/restyle-here", "/record/"])("without a network %s is the kept one", async (path) => {
  const sw = worker();
  await sw.run("install");
  sw.network.mockImplementation(cut);

  expect(await (await sw.ask(path, { mode: "navigate" })!).text()).toBe(PAGE);
});

test("a built file is asked for once", async () => {
  const sw = worker();
  await sw.run("install");
  sw.network.mockClear();

  expect(await (await sw.ask(ASSET)!).text()).toBe(ASSET);
  expect(sw.network).not.toHaveBeenCalled();
});

test("a built file that was not in the list is kept when it is used", async () => {
  const sw = worker();
  const runtime = "/static/client/assets/ort-webgpu.wasm";
  await (await sw.ask(runtime)!).text();
  sw.network.mockImplementation(cut);

  expect(await (await sw.ask(runtime)!).text()).toBe(runtime);
});

test("a file that the server no longer has is not kept as if it were there", async () => {
  const sw = worker({ network: () => Promise.resolve(new Response("gone", { status: 404 })) });

  await sw.ask("/static/client/assets/old.js");

  expect(sw.stored.size).toBe(0);
});

test("in the middle of a deploy nothing is installed", async () => {
  const sw = worker({ page: '<script src="/static/client/assets/index-2.js"></script>' });

  await expect(sw.run("install")).rejects.toThrow("another deploy");
});

test("no other cache goes with an older deploy's files", async () => {
  const stored: Stored = new Map([
    ["impasto-shell-old", new Map()],
    ["impasto-models", new Map()],
  ]);
  const sw = worker({ stored });

  await sw.run("install");
  await sw.run("activate");

  expect([...stored.keys()]).toEqual(["impasto-models", "impasto-shell-new"]);
});

test("an older deploy's files stay until the last address has the next one", async () => {
  const stored: Stored = new Map();
  const lazy = "/static/client/assets/speed-1.js";
  const at = (scope: string, version: string) => worker({ stored, scope, version });
  const scopes = ["/record", "/restyle-here", "/static/client/assets/"];
  for (const scope of scopes) await at(scope, "old").run("install");
  const open = at("/restyle-here", "old");
  await open.ask(lazy);
  const next = scopes.map((scope) => at(scope, "new"));
  for (const one of next) await one.run("install");

  await next[0]!.run("activate");
  await next[2]!.run("activate");

  open.network.mockImplementation(cut);
  expect(await (await open.ask(lazy)!).text()).toBe(lazy);

  await next[1]!.run("activate");

  expect([...stored.keys()]).toEqual(["impasto-shell-new"]);
});

test("a kept page is that of the newest deploy, though an older one's files are still there", async () => {
  const stored: Stored = new Map();
  await worker({ stored, version: "old", scope: "/restyle-here" }).run("install");
  const sw = worker({ stored, page: `${PAGE} newer` });
  await sw.run("install");
  sw.network.mockImplementation(cut);

  expect(await (await sw.ask("/record", { mode: "navigate" })!).text()).toBe(`${PAGE} newer`);
});

test("the runtime for processors is kept, the one for graphics cards only once it was used", () => {
  expect(isKept("ort-wasm-simd-threaded-abc.wasm")).toBe(true);
  expect(isKept("ort-wasm-simd-threaded.asyncify-abc.wasm")).toBe(false);
  expect(isKept("index-abc.js.gz")).toBe(false);
});
