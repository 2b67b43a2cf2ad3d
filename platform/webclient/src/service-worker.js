/*
 * Lets the pages that paint on the device open without a network. It is registered for their addresses alone, and
 * answers only for them and for the built files: never for the API, for media, or for another page.
 *
 * The build fills in the list of files, so that every deploy is another worker. It takes over when the pages that the
 * last one serves are closed: what they still load is there until then.
 */
const FILES = /* files */ [];
const VERSION = "/* version */";

const CACHE = `impasto-shell-${VERSION}`;
const ASSETS = "/static/client/assets/";
const PAGES = ["/record", "/restyle-here"];
// One entry for both: they are the same document.
const SHELL = PAGES[0];
const PATIENCE = 4000;

const isPage = (path) => PAGES.some((page) => path === page || path === `${page}/`);
const isOurs = (path) => path.startsWith("/static/client/");

async function install() {
  const cache = await caches.open(CACHE);
  const shell = await fetch(SHELL, { cache: "reload", headers: { Accept: "text/html" } });
  const text = await shell.clone().text();
  // In the middle of a deploy the page may be another one than ours: then the next visit tries again.
  const scripts = [...text.matchAll(/"(\/static\/client\/assets\/[^"]+)"/g)].map((found) => found[1]);
  if (!shell.ok || scripts.some((script) => !FILES.includes(script))) throw new Error("another deploy");
  await cache.put(SHELL, shell);
  // Two addresses have a worker each, with these files in common.
  for (const file of FILES) if (!(await cache.match(file))) await cache.add(file);
}

async function activate() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("impasto-shell-") && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await clients.claim();
}

/** The network's page as long as it comes soon; a stale one only where there is none. */
async function page(request) {
  const late = new Promise((_resolve, reject) => setTimeout(() => reject(new Error("late")), PATIENCE));
  try {
    return await Promise.race([fetch(request), late]);
  } catch {
    const kept = await caches.match(SHELL);
    return kept ?? (await fetch(request));
  }
}

/** A name under assets/ holds a hash of what is inside, so what is there is right. */
async function asset(request) {
  const kept = await caches.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.status === 200)
    await (await caches.open(CACHE)).put(request, answer.clone()).catch(() => undefined);
  return answer;
}

async function file(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.match(request);
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    if (isPage(pathname)) event.respondWith(page(request));
  } else if (pathname.startsWith(ASSETS)) event.respondWith(asset(request));
  else if (isOurs(pathname)) event.respondWith(file(request));
});
