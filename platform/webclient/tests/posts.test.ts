import { expect, test, vi } from "vitest";

import { Comments, remixUrl, Report, Wall } from "../src/viewmodel/posts";
import { comment, deferred, page, post, refused, settle } from "./fakes";

function setUp({ member = true, calm = false } = {}) {
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
  };
  const say = vi.fn();
  const ports = { api: api as never, member: () => member, say, calm: () => calm };
  return { api, say, wall: new Wall(ports, {}), one: new Wall(ports, { id: "x" }) };
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
