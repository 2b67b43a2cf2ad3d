import { describe, expect, test, vi } from "vitest";

import { emptyEdit, setMusic } from "../src/model/edit-list";
import { Preferences } from "../src/model/preferences";
import { hashtagsIn, ClipPage, MyClips, PublishClip } from "../src/viewmodel/clips";
import { Demos } from "../src/viewmodel/demos";
import { createListing } from "../src/viewmodel/listing";
import { inkOn, Look } from "../src/viewmodel/look";
import { Search, Settings } from "../src/viewmodel/pages";
import { Router, routeOf, safeNext } from "../src/viewmodel/router";
import { Door, Session } from "../src/viewmodel/session";
import { clip, Clock, deferred, me, page, post, refused, settle, sound, style } from "./fakes";

test("every address leads to its screen", () => {
  expect(routeOf("/")).toEqual({ screen: "feed" });
  expect(routeOf("/create")).toEqual({ screen: "create" });
  expect(routeOf("/p/42")).toEqual({ screen: "post", id: "42" });
  expect(routeOf("/u/Ren%C3%A9")).toEqual({ screen: "profile", username: "René" });
  expect(routeOf("/t/水")).toEqual({ screen: "hashtag", tag: "水" });
  expect(routeOf("/edits")).toEqual({ screen: "edits" });
  expect(routeOf("/edit/42")).toEqual({ screen: "edit", id: "42" });
  expect(routeOf("/create/more")).toEqual({ screen: "missing" });
  expect(routeOf("/u/%")).toEqual({ screen: "profile", username: "%" });
});

test("after logging in one lands on this site and nowhere else", () => {
  expect(safeNext("/clip/1?a=b")).toBe("/clip/1?a=b");
  expect(safeNext("//elsewhere.example")).toBe("/");
  expect(safeNext("/\\elsewhere.example")).toBe("/");
  expect(safeNext("https://elsewhere.example")).toBe("/");
  expect(safeNext(null)).toBe("/");
});

/** A browser's history that began at an address. */
function browser(first: string) {
  const entries = [first];
  let at = 0;
  let popped = () => {};
  const walk = (by: number) => {
    at += by;
    popped();
  };
  const router = new Router({
    read: () => entries[at]!,
    push: (url) => void entries.splice(++at, Infinity, url),
    replace: (url) => void entries.splice(at, 1, url),
    back: () => walk(-1),
    onPop: (run) => (popped = run),
  });
  return { router, walk, entries, address: () => entries[at] };
}

test("the back button is heard", () => {
  const { router, walk } = browser("/clips");
  router.go("/settings");

  walk(-1);

  expect(router.route.value).toEqual({ screen: "clips" });
});

describe("a screen that holds what would be lost", () => {
  const ways = [
    ["a link", ({ router }: ReturnType<typeof browser>) => router.go("/clips")],
    ["the back button", ({ walk }: ReturnType<typeof browser>) => walk(-1)],
  ] as const;

  function held() {
    const here = browser("/clips");
    here.router.go("/restyle-here");
    return { ...here, end: here.router.hold() };
  }

  test.each(ways)("is not left by %s before one has answered", (_, leave) => {
    const here = held();

    leave(here);

    expect([here.router.isAsking.value, here.router.path.value]).toEqual([true, "/restyle-here"]);
    expect(here.address()).toBe("/restyle-here");
  });

  test.each(ways)("stays where %s was a mistake, and asks again the next time", (_, leave) => {
    const here = held();
    leave(here);

    here.router.stay();
    expect([here.router.isAsking.value, here.router.path.value]).toEqual([false, "/restyle-here"]);
    leave(here);

    expect([here.router.isAsking.value, here.address()]).toEqual([true, "/restyle-here"]);
  });

  test.each(ways)("is left by %s where one wants to, and the next one can be held too", (_, leave) => {
    const here = held();
    leave(here);

    here.router.leave();
    expect([here.router.isAsking.value, here.router.path.value]).toEqual([false, "/clips"]);
    expect(here.address()).toBe("/clips");
    here.end();
    here.router.hold();

    expect(here.router.go("/search")).toBe(false);
  });

  test("leads back to where one came from, by one step", () => {
    const here = held();

    here.walk(-1);
    here.router.stay();

    expect(here.entries).toEqual(["/clips", "/restyle-here"]);
  });

  test("asks nothing once there is nothing to lose, nor within the screen", () => {
    const here = held();

    expect(here.router.go("/restyle-here?style=wave")).toBe(true);
    here.walk(-1);
    here.router.go("/clips");
    here.end();

    expect(here.router.isAsking.value).toBe(false);
    expect(here.router.go("/clips")).toBe(true);
  });
});

test("a second load wins over a slow first one", async () => {
  const slow = deferred<ReturnType<typeof page<{ id: string }>>>();
  const first = vi
    .fn()
    .mockReturnValueOnce(slow.promise)
    .mockResolvedValueOnce(page([{ id: "new" }]));
  const list = createListing<{ id: string }>({ first, next: vi.fn(), idOf: ({ id }) => id });

  const old = list.load();
  await list.load();
  slow.resolve(page([{ id: "old" }]));
  await old;

  expect(list.items.value).toEqual([{ id: "new" }]);
});

test("a list that cannot grow keeps what it shows", async () => {
  const list = createListing<{ id: string }>({
    first: () => Promise.resolve(page([{ id: "a" }], "/next")),
    next: () => Promise.reject(refused(503)),
    idOf: ({ id }) => id,
  });
  await list.load();

  await list.more();

  expect(list.items.value).toEqual([{ id: "a" }]);
  expect(list.phase.value).toBe("ready");
  expect(list.hasMore.value).toBe(true);
});

function someone(auth: object = {}) {
  return new Session({ signedIn: () => Promise.resolve(true), ...auth } as never, {
    me: () => Promise.resolve(me()),
  });
}

test("a session that cannot be asked for is no guest", async () => {
  const session = someone({ signedIn: () => Promise.reject(refused(0, "offline")) });

  await session.resume();

  expect(session.phase.value).toBe("failed");
});

test("a wrong password says so and keeps the door open", async () => {
  const session = someone({ logIn: () => Promise.reject(refused(400, "username_password_mismatch")) });
  const entered = vi.fn();
  const door = new Door(session, {} as never, "login", "", entered);
  expect(door.canSend.value).toBe(false);
  door.write("username", "ada");
  door.write("password", "wrong");

  await door.send();

  expect(door.problem.value?.status).toBe(400);
  expect(door.canSend.value).toBe(true);
  expect(entered).not.toHaveBeenCalled();
});

test("who logs in is a member and goes on", async () => {
  const session = someone({ logIn: () => Promise.resolve() });
  const entered = vi.fn();
  const door = new Door(session, {} as never, "login", "", entered);
  door.write("username", " ada ");
  door.write("password", "right");

  await door.send();

  expect(session.me.value?.username).toBe("ada");
  expect(entered).toHaveBeenCalled();
});

test("a new password is sent with the key of the mail", async () => {
  const auth = { resetPassword: vi.fn(() => Promise.resolve()), forgotPassword: vi.fn() };
  const door = new Door(someone(), auth, "reset", "the-key", vi.fn());
  door.write("password", "something new");

  await door.send();

  expect(auth.resetPassword).toHaveBeenCalledWith("the-key", "something new");
  expect(door.phase.value).toBe("done");
});

test("settings save what changed and nothing when nothing did", async () => {
  const session = someone();
  await session.resume();
  const api = { changeMe: vi.fn(() => Promise.resolve(me({ bio: "Paints trains." }))) };
  const settings = new Settings(api, session);
  expect(settings.canSave.value).toBe(false);

  settings.write("bio", " Paints trains. ");
  await settings.save();

  expect(api.changeMe).toHaveBeenCalledWith({ display_name: "Ada", bio: "Paints trains." });
  expect(session.me.value?.bio).toBe("Paints trains.");
  expect(settings.phase.value).toBe("saved");
  expect(settings.canSave.value).toBe(false);
});

test("hashtags are read in any script, once each", () => {
  expect(hashtagsIn("#Water and #水, #water again, no # alone")).toEqual(["water", "水"]);
});

test("an edit is published without an original beside it", async () => {
  const publish = vi.fn((_fields: object, _key: string) => Promise.resolve(post("new")));
  const form = new PublishClip({ publish }, "clip", () => "key", false);

  await form.publish();

  expect(publish.mock.calls[0]?.[0]).toMatchObject({ show_original: false });
});

test("publishing again after a lost answer is the same post", async () => {
  let keys = 0;
  const api = {
    publish: vi.fn().mockRejectedValueOnce(refused(0, "offline")).mockResolvedValueOnce(post("p")),
  };
  const form = new PublishClip(api, "clip", () => `key-${++keys}`);
  form.write("A swan #water");

  await form.publish();
  expect(form.phase.value).toBe("editing");
  await form.publish();

  expect(api.publish.mock.calls.map(([, key]) => key as string)).toEqual(["key-1", "key-1"]);
  expect(form.post.value?.id).toBe("p");
  expect(form.phase.value).toBe("published");
});

test("a painted clip stands beside its original, an original alone", async () => {
  const parent = { id: "raw", title: "Swan", video_url: "", poster_url: "" };
  const recipe = {
    kind: "restyle",
    styles: [],
    strength: 1,
    keep_colors: false,
    height: 480,
    model: { name: "", version: "", sha256: "" },
  } as const;
  const painted = new ClipPage(
    { clip: () => Promise.resolve(clip({ parents: [parent], recipe: { ...recipe, styles: [] } })) } as never,
    "clip",
  );
  const raw = new ClipPage({ clip: () => Promise.resolve(clip()) } as never, "clip");

  await Promise.all([painted.load(), raw.load()]);

  expect(painted.original.value).toEqual(parent);
  expect(raw.original.value).toBeNull();
});

test("a painted clip takes the accent of the style it has most of, if that is still there", async () => {
  const recipe = {
    kind: "restyle" as const,
    styles: [
      { slug: "night", name: "Night", weight: 0.2 },
      { slug: "wave", name: "Wave", weight: 0.8 },
    ],
    strength: 1,
    keep_colors: false,
    height: 480,
    model: { name: "", version: "", sha256: "" },
  };
  const api = {
    clip: () => Promise.resolve(clip({ recipe })),
    style: vi.fn((slug: string) => Promise.resolve(style(slug))),
  };
  const screen = new ClipPage(api as never, "clip");

  await screen.load();
  expect(screen.leading.value?.slug).toBe("wave");
  api.style.mockRejectedValue(refused(404));
  await screen.load();

  expect(screen.leading.value).toBeNull();
});

test("an edit offers its music as long as one may use it", async () => {
  const edit = setMusic(emptyEdit(), "rain");
  const api = {
    clip: vi.fn(() => Promise.resolve(clip({ recipe: { kind: "edit", edit, credits: ["Ada"] } }))),
    sound: vi.fn((id: string) => Promise.resolve(sound({ id }))),
  };
  const screen = new ClipPage(api as never, "clip");

  await screen.load();
  expect(screen.sound.value?.id).toBe("rain");

  api.sound.mockRejectedValueOnce(refused(404));
  await screen.load();
  expect(screen.sound.value).toBeNull();

  api.clip.mockResolvedValueOnce(clip());
  await screen.load();
  expect(screen.sound.value).toBeNull();
  expect(api.sound).toHaveBeenCalledTimes(2);
});

test("an empty title is no new title", async () => {
  const api = { clip: () => Promise.resolve(clip()), renameClip: vi.fn() };
  const screen = new ClipPage(api as never, "clip");
  await screen.load();

  await screen.rename("   ");

  expect(api.renameClip).not.toHaveBeenCalled();
});

test("a clip that cannot be deleted stays on the wall", async () => {
  const api = {
    clips: () => Promise.resolve(page([clip()])),
    next: vi.fn(),
    deleteClip: () => Promise.reject(refused(409, "in_use")),
  };
  const screen = new MyClips(api);
  await screen.load();

  await screen.remove(clip());

  expect(screen.shown.value).toHaveLength(1);
  expect(screen.problem.value?.code).toBe("in_use");
});

test("search finds styles without their accents and posts by hashtag, after a rest", async () => {
  const clock = new Clock();
  const api = {
    styles: () => Promise.resolve(page([style("cezanne", { artist: "Paul Cézanne" }), style("wave")])),
    posts: vi.fn(() => Promise.resolve(page([post("p")]))),
    user: () => Promise.reject(refused(404)),
    next: vi.fn(),
  };
  const search = new Search({ api, setTimeout: clock.setTimeout, clearTimeout: clock.clearTimeout as never });
  await search.load();

  search.write("cez");
  search.write("cezanne");
  await clock.pass(300);
  await settle();

  expect(search.found.value.map(({ slug }) => slug)).toEqual(["cezanne"]);
  expect(api.posts).toHaveBeenCalledExactlyOnceWith({ hashtag: "cezanne" });
  expect(search.posts.value).toHaveLength(1);
});

test("the accent comes from the painting, in the colour made for the theme", () => {
  const look = new Look(new Preferences(null), () => true);
  const neutral = look.accent.value;

  look.borrow(style("wave"));
  expect(look.accent.value).toBe("#ffcc00");
  look.choose("light");
  expect(look.accent.value).toBe("#664400");

  look.borrow(null);
  look.choose("dark");
  expect(look.accent.value).toBe(neutral);
});

test("an accent that is no colour is not used", () => {
  const look = new Look(new Preferences(null), () => true);
  const neutral = look.accent.value;

  look.borrow({ accent: { on_dark: "red; background: url(x)", on_light: "" } });

  expect(look.accent.value).toBe(neutral);
});

test("ink on an accent can be read", () => {
  expect(inkOn("#ffcc00")).toBe("#0e0d0c");
  expect(inkOn("#23508f")).toBe("#ffffff");
});

test("the clips of the house stand beside the door for one's own", async () => {
  const demos = new Demos({ demoClips: () => Promise.resolve(page([clip({ is_demo: true })])) });
  await demos.load();
  expect(demos.list.value.map((demo) => demo.id)).toEqual(["clip"]);
});

test("where the server has no clips of the house, nothing is shown", async () => {
  const demos = new Demos({ demoClips: () => Promise.reject(new Error("away")) });
  await demos.load();
  expect(demos.list.value).toEqual([]);
});
