import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/fraunces/opsz.css";
import "./view/css/base.css";
import "./view/css/parts.css";
import "./view/css/screens.css";

import { render } from "preact";

import { Api } from "./model/api";
import { Auth } from "./model/auth";
import { stayAwake } from "./model/awake";
import { ChecksumStack } from "./model/checksums";
import { Drafts } from "./model/drafts";
import { Http } from "./model/http";
import { JobsFeed, type Socket } from "./model/jobs-feed";
import { IndexedDbKeeper } from "./model/keeper";
import { kindOfAdapter } from "./model/painter/gpu";
import { sharesMemory } from "./model/painter/memory";
import { Preferences } from "./model/preferences";
import { VoiceRecorder } from "./model/recorder";
import { Uploads } from "./model/uploads";
import { App } from "./viewmodel/app";
import { Root } from "./view/root";

/** The one place where the three layers meet the browser. */
function compose() {
  const csrfToken = () => /(?:^|;\s*)csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
  const sleep = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
  const newKey = () => (isSecureContext ? crypto.randomUUID() : `${Date.now()}-${Math.random()}`);
  const digest = isSecureContext ? (bytes: ArrayBuffer) => crypto.subtle.digest("SHA-1", bytes) : null;
  const http = new Http({
    fetch: (...request) => fetch(...request),
    csrfToken,
    sleep,
    unauthorized: () => app.session.expire(),
  });
  const api = new Api(http, newKey);
  const later = {
    setTimeout: (run: () => void, milliseconds: number) => setTimeout(run, milliseconds),
    clearTimeout: (timer: never) => clearTimeout(timer),
    now: () => Date.now(),
  };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  const app = new App({
    api,
    auth: new Auth(http),
    uploads: new Uploads(csrfToken, new IndexedDbKeeper(indexedDB), new ChecksumStack(digest)),
    openFeed: (listener) =>
      new JobsFeed(
        { api, ...later, random: Math.random, openSocket: () => openSocket("/ws/jobs/") },
        listener,
      ),
    preferences: new Preferences(storage()),
    drafts: new Drafts(storage()),
    recorder: new VoiceRecorder({
      // An insecure page has no mediaDevices.
      microphone: (navigator.mediaDevices as MediaDevices | undefined)
        ? () => navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true } })
        : null,
      open: (stream, mimeType) => new MediaRecorder(stream, { mimeType }),
      supports: (type) => "MediaRecorder" in globalThis && MediaRecorder.isTypeSupported(type),
    }),
    live: async () => {
      workOffline();
      return (await import("./model/live/tools")).liveTools({
        openWorker: () =>
          new Worker(new URL("./model/painter/worker.ts", import.meta.url), {
            type: "module",
            name: "painter",
          }),
        modelKey: modelKey(),
        devices: (navigator.mediaDevices as MediaDevices | undefined) ?? null,
        openVideo,
        now: () => performance.now(),
        newKey,
        indexedDB,
        lockManager: (navigator.locks as LockManager | undefined) ?? null,
        fetch: (url) => fetch(url),
        open: "caches" in globalThis ? () => caches.open("impasto-styles") : null,
        openPicture: (picture) => URL.createObjectURL(picture),
        closePicture: (url) => URL.revokeObjectURL(url),
      });
    },
    onHidden(listener) {
      const look = () => document.hidden && listener();
      document.addEventListener("visibilitychange", look);
      return () => document.removeEventListener("visibilitychange", look);
    },
    onLeave(left, back) {
      const shown = ({ persisted }: PageTransitionEvent) => persisted && back();
      addEventListener("pagehide", left);
      addEventListener("pageshow", shown);
      return () => {
        removeEventListener("pagehide", left);
        removeEventListener("pageshow", shown);
      };
    },
    stayAwake: stayAwake({
      // Not every browser has it, and none on an insecure page.
      wakeLock: (navigator.wakeLock as WakeLock | undefined) ?? null,
      onShown(listener) {
        const look = () => document.hidden || listener();
        document.addEventListener("visibilitychange", look);
        return () => document.removeEventListener("visibilitychange", look);
      },
    }),
    askBeforeLeaving() {
      const ask = (event: BeforeUnloadEvent) => event.preventDefault();
      addEventListener("beforeunload", ask);
      return () => removeEventListener("beforeunload", ask);
    },
    // An insecure page has no clipboard: in a promise that fails like a refusal.
    copyText: async (text) => await navigator.clipboard.writeText(text),
    sharing: {
      origin: location.origin,
      sheet: () =>
        // Not every browser has it, and none on an insecure page.
        (navigator.share as Navigator["share"] | undefined) && matchMedia("(pointer: coarse)").matches
          ? (shared) => navigator.share(shared)
          : null,
    },
    device: () => ({
      cores: navigator.hardwareConcurrency || 1,
      sharesMemory: sharesMemory(globalThis),
      gpu: () => kindOfAdapter(navigator),
      agent: navigator.userAgent,
    }),
    history: {
      read: () => location.pathname + location.search,
      push: (url) => history.pushState(null, "", url),
      replace: (url) => history.replaceState(null, "", url),
      back: () => history.back(),
      onPop: (listener) => addEventListener("popstate", listener),
    },
    pictures: { open: (picture) => URL.createObjectURL(picture), close: (url) => URL.revokeObjectURL(url) },
    languages: navigator.languages,
    systemIsDark: () => dark.matches,
    wantsCalm: () => calm.matches,
    newKey,
    ...later,
  });

  dark.addEventListener("change", () => app.look.systemChanged());
  addEventListener("online", () => app.connection(true));
  addEventListener("offline", () => app.connection(false));
  document.addEventListener("visibilitychange", () => document.hidden || app.awake());
  if (!navigator.onLine) app.connection(false);
  void app.session.resume();
  return app;
}

// A painter whose script lies outside of all addresses would ask the network alone, whatever its page is answered by.
const OFFLINE = ["/record", "/restyle-here", "/static/client/assets/"];

/** Only whoever paints on the device has the files for it kept, and only for those pages and their painter. */
function workOffline() {
  // An insecure page has no service workers.
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (!workers || import.meta.env.DEV) return;
  for (const scope of OFFLINE)
    workers
      .register("/static/client/service-worker.js", { scope })
      // A browser looks for a newer one only where a page is opened: files of the last deploy stay until all have it.
      .then((registration) => registration.update())
      // Without it everything works as long as there is a network.
      .catch(() => undefined);
}

/** The server writes its public key into the page: it does not come with the networks that it vouches for. */
const modelKey = () =>
  document.querySelector<HTMLMetaElement>('meta[name="impasto-model-key"]')?.content ?? "";

/** A film that nobody sees: how browsers without track processors hand out a camera's frames. */
async function openVideo(track: MediaStreamTrack): Promise<HTMLVideoElement> {
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  await video.play();
  return video;
}

function openSocket(path: string): Socket {
  const url = new URL(path, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  return new WebSocket(url) as Socket;
}

/** Reading the property alone throws where storage is forbidden. */
function storage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

render(<Root app={compose()} />, document.querySelector("#app")!);
