import { computed } from "@preact/signals";
import { describe, expect, test, vi } from "vitest";

import type { JobsEvent } from "../src/model/jobs-feed";
import { Drafts } from "../src/model/drafts";
import { Preferences } from "../src/model/preferences";
import { offline } from "../src/model/problem";
import type { Job } from "../src/model/types";
import type { UploadEvents } from "../src/model/uploads";
import { App, type Services } from "../src/viewmodel/app";
import { Clock, job, me, refused, settle } from "./fakes";

const FILM = { name: "swan.mp4", type: "video/mp4", size: 1000 } as File;

/** The whole app around a pretend browser; `signedIn` settles before it is handed out. */
async function setUp({ at = "/", signedIn = true, calm = false, uploadBytes = 300_000_000 } = {}) {
  const clock = new Clock();
  let hear!: (event: JobsEvent) => void;
  let uploading: UploadEvents | null = null;
  let asking = 0;
  const feed = {
    start: vi.fn(),
    stop: vi.fn(),
    wake: vi.fn(),
    learn: (heard: Job) => hear({ type: "job", job: heard }),
  };
  const handle = { pause: vi.fn(() => Promise.resolve()), cancel: vi.fn(() => Promise.resolve()) };
  const visited = [at];
  const auth = {
    signedIn: vi.fn(() => Promise.resolve(signedIn)),
    logIn: vi.fn(() => Promise.resolve()),
    logOut: vi.fn(() => Promise.resolve()),
  };
  const uploads = {
    unfinished: vi.fn(() => Promise.resolve([])),
    forget: vi.fn(() => Promise.resolve()),
    start: vi.fn((_file: File, _owner: string, events: UploadEvents) => {
      uploading = events;
      return handle;
    }),
  };
  const app = new App({
    api: {
      me: () => Promise.resolve(me({ limits: { upload_bytes: uploadBytes, clip_seconds: 60 } })),
      job: () => Promise.resolve(job({ id: "check", kind: "ingest" })),
    },
    auth,
    uploads,
    openFeed: (listener: (event: JobsEvent) => void) => {
      hear = listener;
      return feed;
    },
    preferences: new Preferences(null),
    drafts: new Drafts(null),
    recorder: { start: () => Promise.resolve(), stop: () => Promise.resolve(null) },
    history: {
      read: () => visited.at(-1)!,
      push: (url: string) => void visited.push(url),
      replace: (url: string) => void visited.splice(-1, 1, url),
      back: () => undefined,
      onPop: () => undefined,
    },
    pictures: { open: () => "", close: () => undefined },
    languages: ["en"],
    systemIsDark: () => true,
    wantsCalm: () => calm,
    askBeforeLeaving: () => {
      asking++;
      return () => void asking--;
    },
    newKey: () => "key",
    now: clock.now,
    setTimeout: clock.setTimeout,
    clearTimeout: clock.clearTimeout,
  } as unknown as Services);
  await app.session.resume();
  await settle();
  const finish = (ended: Job) => {
    hear({ type: "job", job: { ...ended, state: "running" } });
    hear({ type: "job", job: ended });
  };
  const upload = () => {
    app.upload.choose(FILM, "ada", 10_000);
    return uploading!;
  };
  return { app, asking: () => asking, auth, clock, feed, finish, handle, upload, uploads };
}

const painted = job({ id: "one", state: "succeeded", result: { clip_id: "painting" } });
const checked = job({ id: "check", kind: "ingest", state: "succeeded", result: { clip_id: "swan" } });

test("a member is told of jobs and goes on with an upload that was cut off", async () => {
  const { feed, uploads } = await setUp();

  expect(feed.start).toHaveBeenCalled();
  expect(uploads.unfinished).toHaveBeenCalledWith("ada");
});

test("a guest hears of no jobs", async () => {
  const { feed } = await setUp({ signedIn: false });

  expect(feed.start).not.toHaveBeenCalled();
  expect(feed.stop).toHaveBeenCalled();
});

test("a painting that is done elsewhere says where it hangs", async () => {
  const { app, finish } = await setUp({ at: "/search" });

  finish(painted);

  expect(app.toasts.shown.value).toMatchObject([{ kind: "painting_ready", href: "/clip/painting" }]);
});

test("whoever watches a painting needs no news of it", async () => {
  const { app, finish } = await setUp({ at: "/job/one" });

  finish(painted);

  expect(app.toasts.shown.value).toEqual([]);
});

test("a painting that failed leads to the reason", async () => {
  const { app, finish } = await setUp();

  finish(job({ id: "one", state: "failed" }));

  expect(app.toasts.shown.value).toMatchObject([{ kind: "painting_failed", href: "/job/one" }]);
});

test("a clip that arrives while one waits for it goes onto the easel with the chosen styles", async () => {
  const { app, finish, upload } = await setUp({ at: "/create?styles=wave" });

  upload().done({ uploadId: "up", jobId: "check" });
  finish(checked);
  await settle();

  expect(app.router.url.value).toBe("/create?clip=swan&styles=wave");
  expect(app.toasts.shown.value).toEqual([]);
});

test("a clip that arrives while one walks about leads nobody away", async () => {
  const { app, finish, upload } = await setUp({ at: "/search" });

  upload().done({ uploadId: "up", jobId: "check" });
  finish(checked);
  await settle();

  expect(app.router.url.value).toBe("/search");
  expect(app.toasts.shown.value).toMatchObject([{ kind: "clip_ready", href: "/create?clip=swan" }]);
});

test("after a reload the check of an upload goes on where it was", async () => {
  const { app, feed } = await setUp({ at: "/create" });

  feed.learn(job({ id: "check", kind: "ingest", stage: "converting", subject: {} }));

  expect(app.upload.phase.value).toBe("checking");
});

test("the connection that comes back wakes the feed and the upload", async () => {
  const { app, feed, upload, uploads } = await setUp();
  upload().waiting();

  app.connection(false);
  expect(app.online.value).toBe(false);
  app.connection(true);
  await settle();

  expect(feed.wake).toHaveBeenCalled();
  expect(uploads.start).toHaveBeenCalledTimes(2);
});

test("a guest who wants to take part is led to the door and back", async () => {
  const { app } = await setUp({ at: "/p/one", signedIn: false });

  expect(app.member()).toBe(false);

  expect(app.router.url.value).toBe("/login?next=%2Fp%2Fone");
  expect(app.toasts.shown.value).toMatchObject([{ kind: "sign_in_first" }]);
});

test("logging out stops the upload and keeps what has arrived", async () => {
  const { app, auth, handle, upload } = await setUp({ at: "/clips" });
  upload();

  await app.logOut();

  expect(handle.pause).toHaveBeenCalled();
  expect(handle.cancel).not.toHaveBeenCalled();
  expect(auth.logOut).toHaveBeenCalled();
  expect(app.session.phase.value).toBe("guest");
  expect(app.router.url.value).toBe("/");
});

test("for who wants less motion nothing on the wall starts by itself", async () => {
  const { app } = await setUp({ calm: true });

  expect(app.screens.wall({}).paused.value).toBe(true);
});

test("news goes by itself, and there are never more than three", async () => {
  const { app, clock } = await setUp();

  for (let news = 0; news < 5; news++) app.toasts.say("link_copied");
  expect(app.toasts.shown.value).toHaveLength(3);
  app.toasts.drop(app.toasts.shown.value[0]!.id);
  expect(app.toasts.shown.value).toHaveLength(2);
  await clock.pass(6000);

  expect(app.toasts.shown.value).toEqual([]);
});

test("the sound stays as it was chosen from one painting to the next", async () => {
  const { app } = await setUp();
  expect(app.muted.value).toBe(true);

  app.toggleSound();

  expect(app.muted.value).toBe(false);
});

describe("a film made on this device", () => {
  const PAINTED = new File(["painted"], "live.mp4", { type: "video/mp4" });

  test("goes the way of every upload, and then there is its clip", async () => {
    const { app, uploads, finish } = await setUp({ at: "/record" });
    const over = vi.fn();

    app.filming().use(PAINTED, "painted", over);

    expect(uploads.start.mock.calls[0]?.slice(0, 2)).toEqual([PAINTED, "ada"]);
    expect(over).not.toHaveBeenCalled();
    expect(app.router.url.value).toBe("/create?painted=1");
    uploads.start.mock.calls[0]![2].done({ uploadId: "u", jobId: "check" });
    await settle();
    finish(checked);
    expect(app.router.url.value).toBe("/clip/swan");
    expect(over).toHaveBeenCalledExactlyOnceWith(true);
  });

  test("that is too large is refused, and whoever made it keeps it", async () => {
    const { app, uploads } = await setUp({ at: "/record", uploadBytes: 3 });

    const isTaken = app.filming().use(PAINTED, "painted", () => undefined);

    expect([isTaken, uploads.start.mock.calls.length]).toEqual([false, 0]);
    expect(app.toasts.shown.value).toMatchObject([{ problem: { code: "file_too_large" } }]);
    expect(app.router.url.value).toBe("/record");
  });

  test.each([
    ["the server refuses", (events: UploadEvents) => events.failed(refused(413, "file_too_large"))],
    ["one stops", (_events: UploadEvents, app: { upload: { cancel(): unknown } }) => app.upload.cancel()],
  ])("whose upload %s is no clip", async (_why, end) => {
    const { app, uploads } = await setUp({ at: "/record" });
    const over = vi.fn();
    app.filming().use(PAINTED, "painted", over);

    await end(uploads.start.mock.calls[0]![2], app);

    expect(over).toHaveBeenCalledExactlyOnceWith(false);
  });

  test("has nothing to do with what is uploaded after it", async () => {
    const { app, uploads, upload, finish } = await setUp({ at: "/record" });
    const over = vi.fn();
    app.filming().use(PAINTED, "painted", over);
    uploads.start.mock.calls[0]![2].failed(refused(422, "bad_clip"));

    upload().done({ uploadId: "u", jobId: "check" });
    await settle();
    finish(checked);

    expect(over).toHaveBeenCalledExactlyOnceWith(false);
  });

  test("of the camera goes on to the easel", async () => {
    const { app } = await setUp({ at: "/record" });

    app.filming().use(PAINTED, "raw", () => undefined);

    expect(app.router.url.value).toBe("/create");
  });

  test("of the camera comes onto the easel with the style it was seen in", async () => {
    const { app, uploads, finish } = await setUp({ at: "/record" });

    app.filming().use(PAINTED, "raw", () => undefined, "great wave");
    uploads.start.mock.calls[0]![2].done({ uploadId: "u", jobId: "check" });
    await settle();
    finish(checked);

    expect(app.router.url.value).toBe("/create?clip=swan&styles=great%20wave");
  });

  test("stays with a guest, who is shown the door", async () => {
    const { app, uploads } = await setUp({ at: "/record", signedIn: false });
    const over = vi.fn();

    app.filming().use(PAINTED, "painted", over);

    expect(uploads.start).not.toHaveBeenCalled();
    expect(over).not.toHaveBeenCalled();
    expect(app.router.url.value).toBe("/login?next=%2Frecord");
  });

  test("is the same for the screen that is opened after the log-in", async () => {
    const { app } = await setUp({ at: "/restyle-here", signedIn: false });
    const made = { film: PAINTED, seconds: 2, soundLost: false, saved: false };
    const secondsMost = computed(app.filming().secondsMost);
    expect(secondsMost.value).toBeNull();
    app.filming().made.value = made;

    app.filming().use(PAINTED, "painted", () => undefined);
    await app.session.logIn("ada", "secret");

    expect(app.router.url.value).toBe("/login?next=%2Frestyle-here");
    expect(app.filming().made.value).toBe(made);
    expect(secondsMost.value).toBe(60);
  });

  test("is not left without being asked, until it is used or saved", async () => {
    const { app, asking } = await setUp({ at: "/restyle-here" });
    const { made } = app.filming();
    const painted = { film: PAINTED, seconds: 2, soundLost: false, saved: false };
    expect(asking()).toBe(0);

    made.value = painted;
    expect(asking()).toBe(1);
    made.value = { ...painted, saved: true };
    expect(asking()).toBe(0);
    made.value = painted;
    made.value = null;

    expect(asking()).toBe(0);
  });

  test("is not painted any more only by the wish of whoever leaves: document or screen", async () => {
    const { app, asking } = await setUp({ at: "/restyle-here" });
    const end = app.filming().askBeforeLeaving();

    app.router.go("/search");
    expect([asking(), app.router.isAsking.value, app.router.url.value]).toEqual([1, true, "/restyle-here"]);
    end();
    expect([asking(), app.router.isAsking.value]).toEqual([0, false]);
    app.router.go("/search");

    expect(app.router.url.value).toBe("/search");
  });

  test("waits while another upload is under way", async () => {
    const { app, upload } = await setUp({ at: "/record" });
    upload();
    const over = vi.fn();

    app.filming().use(PAINTED, "painted", over);

    expect(over).not.toHaveBeenCalled();
    expect(app.toasts.shown.value).toMatchObject([{ kind: "upload_busy" }]);
  });

  test("without a network waits and goes as soon as it is back", async () => {
    const { app, auth, uploads } = await setUp({ at: "/record" });
    auth.signedIn.mockRejectedValueOnce(offline());
    await app.session.resume();
    const over = vi.fn();

    app.filming().use(PAINTED, "painted", over);
    expect(app.toasts.shown.value).toMatchObject([{ kind: "film_waits" }]);
    expect(over).not.toHaveBeenCalled();
    app.connection(true);
    await settle();

    expect(uploads.start).toHaveBeenCalledTimes(1);
    expect(over).not.toHaveBeenCalled();
  });

  async function offlineAt(path: string) {
    const page = await setUp({ at: path });
    page.auth.signedIn.mockRejectedValueOnce(offline());
    await page.app.session.resume();
    const online = async () => {
      page.app.connection(true);
      await settle();
    };
    return { ...page, online };
  }

  test("that is taken back while it waits is not uploaded", async () => {
    const { app, uploads, online } = await offlineAt("/record");
    const filming = app.filming();
    filming.use(PAINTED, "painted", () => undefined);

    filming.takeBack(PAINTED);
    await online();

    expect(uploads.start).not.toHaveBeenCalled();
    expect(app.router.url.value).toBe("/record");
  });

  test("that waited leads on whoever is still there", async () => {
    const { app, online } = await offlineAt("/record");

    app.filming().use(PAINTED, "painted", () => undefined);
    await online();

    expect(app.router.url.value).toBe("/create?painted=1");
  });

  test("that waited leads nobody away who has walked on, though they be recording again", async () => {
    const { app, uploads, online } = await offlineAt("/record");
    app.filming().use(PAINTED, "painted", () => undefined);

    app.router.go("/search");
    app.router.go("/record");
    await online();

    expect(uploads.start).toHaveBeenCalledTimes(1);
    expect(app.router.url.value).toBe("/record");
  });

  test("that waits makes way for the next one and is given back", async () => {
    const { app, uploads, online } = await offlineAt("/record");
    const next = new File(["next"], "next.mp4", { type: "video/mp4" });
    const over = vi.fn();
    app.filming().use(PAINTED, "painted", over);

    app.filming().use(next, "painted", () => undefined);
    await online();

    expect(over).toHaveBeenCalledExactlyOnceWith(false);
    expect(uploads.start.mock.calls.map(([film]) => film)).toEqual([next]);
  });

  test("that waits goes to nobody else, whose session has ended meanwhile", async () => {
    const { app, auth, uploads, online } = await offlineAt("/record");
    auth.signedIn.mockResolvedValue(false);
    const over = vi.fn();
    app.filming().use(PAINTED, "painted", over);

    await online();
    expect(over).toHaveBeenCalledExactlyOnceWith(false);
    await app.session.logIn("bob", "secret");
    await settle();

    expect(uploads.start).not.toHaveBeenCalled();
  });

  test("is not there for whoever logs in next", async () => {
    const { app } = await setUp({ at: "/restyle-here" });
    const { made } = app.filming();
    made.value = { film: PAINTED, seconds: 2, soundLost: false, saved: false };

    await app.logOut();

    expect(made.value).toBeNull();
  });

  test("is asked about while it waits, and not while it is uploaded: the uploads have a copy", async () => {
    const { app, asking, online } = await offlineAt("/restyle-here");
    app.filming().made.value = { film: PAINTED, seconds: 2, soundLost: false, saved: false };

    app.filming().use(PAINTED, "painted", () => undefined);
    expect(asking()).toBe(1);
    await online();

    expect([app.upload.busy.value, asking()]).toEqual([true, 0]);
  });

  test("that waited and is refused then is given back", async () => {
    const { app, auth, uploads } = await setUp({ at: "/record", uploadBytes: 3 });
    auth.signedIn.mockRejectedValueOnce(offline());
    await app.session.resume();
    const over = vi.fn();

    app.filming().use(PAINTED, "painted", over);
    app.connection(true);
    await settle();

    expect(uploads.start).not.toHaveBeenCalled();
    expect(over).toHaveBeenCalledExactlyOnceWith(false);
  });
});
