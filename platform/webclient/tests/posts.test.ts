import { describe, expect, test, vi } from "vitest";

import { Comments, remixUrl, Report, type SharingPorts, Wall } from "../src/viewmodel/posts";
import { comment, deferred, page, post, project, refused, settle } from "./fakes";

type Sheet = ReturnType<SharingPorts["sheet"]>;

function setUp({ member = true, calm = false, sheet = null as Sheet } = {}) {
  const api = {
    posts: vi.fn(() =>
      Promise.resolve(
        page(
          ["a", "b", "c", "d", "e"].map((id) => post(id)),
          "/next",
        ),
      ),
    ),
    post: vi.fn((id: string) => Promise.resolve(post(id))),
    next: vi.fn(() => Promise.resolve(page([post("e"), post("f")]))),
    like: vi.fn((_id: string, liked: boolean) => Promise.resolve({ liked, like_count: liked ? 4 : 3 })),
    deletePost: vi.fn(() => Promise.resolve()),
    createProject: vi.fn((_fields: object, _key: string) => Promise.resolve(project({ id: "new" }))),
  };
  const say = vi.fn();
  const go = vi.fn();
  const copyText = vi.fn<SharingPorts["copyText"]>(() => Promise.resolve());
  const ports = {
    api: api as never,
    newKey: () => "key",
    go,
    member: () => member,
    say,
    sharing: { origin: "https://impasto.example", sheet: () => sheet, copyText },
    calm: () => calm,
  };
  return { api, say, go, copyText, wall: new Wall(ports, {}), one: new Wall(ports, { id: "x" }) };
}

test("walking stops at both ends", async () => {
  const { wall } = setUp();
  await wall.load();

  wall.step(-1);
  expect(wall.index.value).toBe(0);

  wall.show(99);
  expect(wall.current.value?.id).toBe("e");
});

test("coming near the end hangs more pictures, each once", async () => {
  const { wall, api } = setUp();
  await wall.load();

  wall.show(1);
  expect(api.next).not.toHaveBeenCalled();
  wall.show(2);
  await settle();

  expect(wall.posts.items.value.map(({ id }) => id)).toEqual(["a", "b", "c", "d", "e", "f"]);
});

test("a heart shows at once and is taken back when the server did not hear", async () => {
  const { wall, api, say } = setUp();
  await wall.load();
  const slow = deferred<never>();
  api.like.mockReturnValueOnce(slow.promise);

  const liking = wall.like(wall.current.value!);
  expect(wall.current.value).toMatchObject({ liked: true, like_count: 4 });

  slow.reject(refused(500));
  await liking;
  expect(wall.current.value).toMatchObject({ liked: false, like_count: 3 });
  expect(say).toHaveBeenCalledWith("try_again", expect.anything());
});

describe("sharing a post", () => {
  const shared = { id: "a", caption: "Swans" };
  const url = "https://impasto.example/p/a";
  const refusal = (name: string) => new DOMException("", name);

  test("copies its link and says so", async () => {
    const { wall, copyText, say } = setUp();

    await wall.share(shared);

    expect(copyText).toHaveBeenCalledWith(url);
    expect(say).toHaveBeenCalledWith("link_copied");
  });

  test("shows the link where the browser does not let the page copy it", async () => {
    const { wall, copyText, say } = setUp();
    copyText.mockRejectedValue(refusal("NotAllowedError"));

    await wall.share(shared);
    expect(wall.linkByHand.value).toBe(url);
    wall.closeLink();

    expect(wall.linkByHand.value).toBeNull();
    expect(say).not.toHaveBeenCalled();
  });

  test("goes through the device's own sheet where it has one", async () => {
    const sheet = vi.fn(() => Promise.resolve());
    const { wall, copyText } = setUp({ sheet });

    await wall.share(shared);

    expect(sheet).toHaveBeenCalledWith({ title: "Swans", url });
    expect(copyText).not.toHaveBeenCalled();
  });

  test("says nothing to whoever closes the sheet", async () => {
    const { wall, copyText, say } = setUp({ sheet: () => Promise.reject(refusal("AbortError")) });

    await wall.share(shared);

    expect([copyText.mock.calls, say.mock.calls, wall.linkByHand.value]).toEqual([[], [], null]);
  });

  test("copies the link where the sheet is refused", async () => {
    const { wall, copyText } = setUp({ sheet: () => Promise.reject(refusal("NotAllowedError")) });

    await wall.share(shared);

    expect(copyText).toHaveBeenCalledWith(url);
  });
});

test("a guest is shown the door and likes nothing", async () => {
  const { wall, api } = setUp({ member: false });
  await wall.load();

  await wall.like(wall.current.value!);

  expect(api.like).not.toHaveBeenCalled();
});

test("walking on plays again and hides the original", async () => {
  const { wall } = setUp();
  await wall.load();
  wall.togglePause();
  wall.hold(true);

  wall.step(1);

  expect(wall.paused.value).toBe(false);
  expect(wall.original.value).toBe(false);
});

test("who wants less motion starts every clip by hand", async () => {
  const { wall } = setUp({ calm: true });
  await wall.load();
  expect(wall.paused.value).toBe(true);

  wall.togglePause();
  wall.step(1);

  expect(wall.paused.value).toBe(true);
});

test("a post without an original has none to show", async () => {
  const { one, api } = setUp();
  api.post.mockResolvedValueOnce(post("x", { original: null }));
  await one.load();

  one.hold(true);

  expect(one.original.value).toBe(false);
});

test("a post's own page holds just that post", async () => {
  const { one } = setUp();

  await one.load();

  expect(one.posts.items.value.map(({ id }) => id)).toEqual(["x"]);
  expect(one.posts.hasMore.value).toBe(false);
});

test("a deleted post is gone and the next one hangs there", async () => {
  const { wall } = setUp();
  await wall.load();

  await wall.remove(wall.current.value!);

  expect(wall.current.value?.id).toBe("b");
});

test("closing the report of a comment leads back to the comments", async () => {
  const { wall } = setUp();
  await wall.load();
  wall.open("comments");
  wall.report("comment", "c");
  expect(wall.panel.value).toBe("report");

  wall.close();

  expect(wall.panel.value).toBe("comments");
});

const rain = { id: "rain", title: "Rain", author: "Ada" };

test("a post's sound begins an edit that plays it and shows nothing yet", async () => {
  const { wall, api, go } = setUp();

  const taking = [wall.takeSound({ sound: rain }), wall.takeSound({ sound: rain })];
  expect(wall.beginning.value).toBe(true);
  await Promise.all(taking);

  expect(api.createProject).toHaveBeenCalledTimes(1);
  expect(api.createProject.mock.lastCall?.[0]).toMatchObject({
    title: "Rain",
    edit: { version: 1, music: { track: "rain" } },
  });
  expect(go).toHaveBeenCalledExactlyOnceWith("/edit/new");
  expect(wall.beginning.value).toBe(false);
});

test("a guest is shown the door and takes no sound", async () => {
  const { wall, api, go } = setUp({ member: false });

  await wall.takeSound({ sound: rain });

  expect(api.createProject).not.toHaveBeenCalled();
  expect(go).not.toHaveBeenCalled();
});

test("a post without a sound for everybody has none to take", async () => {
  const { wall, api } = setUp();

  await wall.takeSound(post("silent"));

  expect(api.createProject).not.toHaveBeenCalled();
});

test("a sound that cannot be used is said and one stays on the wall", async () => {
  const { wall, api, go, say } = setUp();
  api.createProject.mockRejectedValueOnce(refused(409, "too_many_projects"));

  await wall.takeSound({ sound: rain });

  expect(go).not.toHaveBeenCalled();
  expect(say).toHaveBeenCalledWith("try_again", expect.objectContaining({ code: "too_many_projects" }));
});

test("captions are off until they are wanted, and stay on from post to post", async () => {
  const { wall } = setUp();
  await wall.load();
  expect(wall.captions.value).toBe(false);

  wall.toggleCaptions();
  wall.step(1);

  expect(wall.captions.value).toBe(true);
});

test("painting with a post's styles carries them along", () => {
  const mixed = post("m", {
    styles: [
      { slug: "wave", name: "", thumbnail_url: "" },
      { slug: "night sky", name: "", thumbnail_url: "" },
    ],
  });

  expect(remixUrl(mixed)).toBe("/create?styles=wave,night%20sky");
});

test("a comment is sent once, shown first and counted", async () => {
  const counted = vi.fn();
  const api = {
    comments: () => Promise.resolve(page([comment("old")])),
    addComment: vi.fn((_post: string, text: string) => Promise.resolve(comment("new", { text }))),
    deleteComment: vi.fn(() => Promise.resolve()),
    next: vi.fn(),
  };
  const comments = new Comments(api as never, "post", counted);
  await comments.load();
  comments.write("  Lovely ");

  await Promise.all([comments.send(), comments.send()]);

  expect(api.addComment).toHaveBeenCalledExactlyOnceWith("post", "Lovely");
  expect(comments.list.items.value.map(({ id }) => id)).toEqual(["new", "old"]);
  expect(comments.draft.value).toBe("");
  expect(counted).toHaveBeenCalledWith(1);
});

test("a refused comment stays in the field", async () => {
  const api = { addComment: () => Promise.reject(refused(429, "throttled")) };
  const comments = new Comments(api as never, "post", vi.fn());
  comments.write("Again!");

  await comments.send();

  expect(comments.draft.value).toBe("Again!");
  expect(comments.problem.value?.code).toBe("throttled");
  expect(comments.canSend.value).toBe(true);
});

test("a report needs a reason", async () => {
  const api = { report: vi.fn(() => Promise.resolve({ id: "r" })) };
  const report = new Report(api, "post", "p");

  await report.send();
  expect(api.report).not.toHaveBeenCalled();

  report.choose("copyright");
  await report.send();
  expect(report.phase.value).toBe("sent");
  expect(api.report).toHaveBeenCalledWith({
    target: "post",
    target_id: "p",
    reason: "copyright",
    detail: "",
  });
});
