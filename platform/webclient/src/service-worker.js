/*
 * Lets the pages that paint on the device open without a network. It is registered for their addresses and for that of
 * the painter's script, which asks for its files itself; it answers only for them and for the built files: never for the
 * API, for media, or for another page.
 *
 * The build fills in the list of files, so that every deploy is another worker. It takes over when what the last one
 * serves is closed, at each address by itself: what is still loaded at any of them is there until then.
 */
const FILES = /* files */ [];
const VERSION = "/* version */";

const CACHES = "impasto-shell-";
const CACHE = CACHES + VERSION;
// What has the same name in every deploy is that of this one.
const OWN = { cacheName: CACHE };
// An entry for each address whose worker uses a cache: all have their files in common, and none knows of the others.
const USERS = "/static/client/used-by";
const USER = USERS + new URL(self.registration.scope).pathname;
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
  await cache.put(USER, new Response());
  await cache.put(SHELL, shell);
  for (const file of FILES) if (!(await cache.match(file))) await cache.add(file);
}

async function activate() {
  const names = await caches.keys();
  const others = names.filter((name) => name.startsWith(CACHES) && name !== CACHE);
  await Promise.all(others.map(leave));
  await clients.claim();
}

/** This address needs a cache no longer. Whoever is the last to say so deletes it. */
async function leave(name) {
  const cache = await caches.open(name);
  await cache.delete(USER);
  const kept = await cache.keys();
  const isUsed = kept.some(({ url }) => new URL(url).pathname.startsWith(USERS));
  if (!isUsed) await caches.delete(name);
}

/** The network's page as long as it comes soon; a stale one only where there is none. */
async function page(request) {
  const late = new Promise((_resolve, reject) => setTimeout(() => reject(new Error("late")), PATIENCE));
  try {
    return await Promise.race([fetch(request), late]);
  } catch {
    const kept = await caches.match(SHELL, OWN);
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
    const kept = await caches.match(request, OWN);
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
