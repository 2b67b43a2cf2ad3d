import { expect, test, vi } from "vitest";

import type { RecipeIn } from "../src/model/types";
import { Easel } from "../src/viewmodel/paint";
import { clip, Clock, deferred, job, page, refused, settle, style } from "./fakes";

const REST = 200;

function setUp({ wanted = [] as string[], preview = () => Promise.resolve(new Blob(["x"])) } = {}) {
  const clock = new Clock();
  let pictures = 0;
  let keys = 0;
  const closed: string[] = [];
  const api = {
    clip: vi.fn(() => Promise.resolve(clip())),
    styles: vi.fn((kind: string) =>
      Promise.resolve(
        page(kind === "preset" ? ["wave", "night", "kiss", "scream", "lilies"].map((s) => style(s)) : []),
      ),
    ),
    style: vi.fn((slug: string) => Promise.resolve(style(slug))),
    addStyle: vi.fn(() => Promise.resolve(style("own", { mine: true, kind: "own" }))),
    deleteStyle: vi.fn(() => Promise.resolve()),
    preview: vi.fn((_clip: string, _recipe: RecipeIn, _at: number, _signal?: AbortSignal) => preview()),
    restyle: vi.fn((_clip: string, _recipe: RecipeIn, _key: string) =>
      Promise.resolve(job({ state: "queued" })),
    ),
    next: vi.fn(),
  };
  const easel = new Easel(
    {
      api,
      pictures: { open: () => `picture-${++pictures}`, close: (url) => void closed.push(url) },
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout as never,
      newKey: () => `key-${++keys}`,
    },
    "clip",
    wanted,
  );
  return { easel, api, clock, closed };
}

async function ready(options: Parameters<typeof setUp>[0] = {}) {
  const things = setUp(options);
  await things.easel.load();
  await things.clock.pass(REST);
  return things;
}

test("the first frame is painted without a click", async () => {
  const { easel, api } = await ready();

  expect(api.preview).toHaveBeenCalledTimes(1);
  expect(api.preview.mock.calls[0]?.[1]).toMatchObject({
    styles: [{ style: "wave", weight: 1 }],
    strength: 1,
  });
  expect(easel.preview.value).toBe("picture-1");
});

test("asked-for styles are on the easel already", async () => {
  const { easel } = await ready({ wanted: ["night", "kiss"] });

  expect(easel.mix.value.map((item) => item.style.slug)).toEqual(["night", "kiss"]);
  expect(easel.mixing.value).toBe(true);
});

test("an asked-for style that is gone leaves the first preset", async () => {
  const { easel, api } = setUp({ wanted: ["gone"] });
  api.style.mockRejectedValue(refused(404));

  await easel.load();

  expect(easel.mix.value.map((item) => item.style.slug)).toEqual(["wave"]);
});

test("choosing the chosen style again paints no second frame", async () => {
  const { easel, api, clock } = await ready();

  easel.use(style("wave"));
  await clock.pass(REST);

  expect(api.preview).toHaveBeenCalledTimes(1);
});

test("a dragged slider paints its last place and not every place", async () => {
  const { easel, api, clock } = await ready();

  for (const value of [0.2, 0.4, 0.6, 0.8]) easel.setStrength(value);
  await clock.pass(REST);

  expect(api.preview).toHaveBeenCalledTimes(2);
  expect(api.preview.mock.calls[1]?.[1].strength).toBe(0.8);
});

test("a larger brush repaints the frame and goes with the order, within its range", async () => {
  const { easel, api, clock } = await ready();

  easel.setBrush(9);
  await clock.pass(REST);
  await easel.paint();

  expect(easel.brush.value).toBe(3);
  expect(api.preview.mock.calls[1]?.[1].brush).toBe(3);
  expect(api.restyle.mock.calls[0]?.[1].brush).toBe(3);
});

test("the old frame stays until the new one has arrived", async () => {
  const { easel, api, clock, closed } = await ready();
  const slow = deferred<Blob>();
  api.preview.mockReturnValueOnce(slow.promise);

  easel.setKeepColors(true);
  await clock.pass(REST);
  expect(easel.previewPhase.value).toBe("painting");
  expect(easel.preview.value).toBe("picture-1");

  slow.resolve(new Blob(["y"]));
  await settle();
  expect(easel.preview.value).toBe("picture-2");
  expect(closed).toEqual(["picture-1"]);
});

test("one frame is painted at a time and the newest wish is next", async () => {
  const { easel, api, clock } = await ready();
  const slow = deferred<Blob>();
  api.preview.mockReturnValueOnce(slow.promise);

  easel.setStrength(0.1);
  await clock.pass(REST);
  easel.setStrength(0.5);
  await clock.pass(REST);
  easel.setStrength(0.9);
  await clock.pass(REST);
  expect(api.preview).toHaveBeenCalledTimes(2);

  slow.resolve(new Blob(["y"]));
  await settle();
  expect(api.preview).toHaveBeenCalledTimes(3);
  expect(api.preview.mock.calls[2]?.[1].strength).toBe(0.9);
});

test("a failed preview says so and can be asked for again", async () => {
  const { easel, api, clock } = await ready();
  api.preview.mockRejectedValueOnce(refused(503, "busy"));

  easel.setStrength(0.3);
  await clock.pass(REST);
  expect(easel.previewPhase.value).toBe("failed");
  expect(easel.preview.value).toBe("picture-1");

  easel.retryPreview();
  await clock.pass(REST);
  expect(easel.previewPhase.value).toBe("shown");
});

test("without mixing another style replaces the first", async () => {
  const { easel } = await ready();

  easel.use(style("night"));

  expect(easel.mix.value.map((item) => item.style.slug)).toEqual(["night"]);
});

test("a mix holds four styles and always one", async () => {
  const { easel } = await ready();
  easel.toggleMixing();

  for (const slug of ["night", "kiss", "scream", "lilies"]) easel.use(style(slug));
  expect(easel.mix.value.map((item) => item.style.slug)).toEqual(["wave", "night", "kiss", "scream"]);
  expect(easel.isFull.value).toBe(true);

  for (const slug of ["wave", "night", "kiss", "scream"]) easel.use(style(slug));
  expect(easel.mix.value).toHaveLength(1);
});

test("the heaviest style lends the accent", async () => {
  const { easel } = await ready();
  easel.toggleMixing();
  easel.use(style("night"));

  easel.weigh("wave", 0.2);

  expect(easel.leading.value?.slug).toBe("night");
});

test("no weight falls to nothing, or there would be nothing to paint with", async () => {
  const { easel } = await ready();

  easel.weigh("wave", 0);

  expect(easel.mix.value[0]?.weight).toBeGreaterThan(0);
});

test("one's own picture is chosen at once", async () => {
  const { easel } = await ready();

  await easel.addStyle({ name: "garden.jpg" } as File);

  expect(easel.mine.items.value.map((item) => item.slug)).toEqual(["own"]);
  expect(easel.mix.value.map((item) => item.style.slug)).toEqual(["own"]);
});

test("a refused picture says why and changes nothing", async () => {
  const { easel, api } = await ready();
  api.addStyle.mockRejectedValueOnce(refused(400, "svg_refused"));

  await easel.addStyle({ name: "drawing.svg" } as File);

  expect(easel.styleProblem.value?.code).toBe("svg_refused");
  expect(easel.mix.value.map((item) => item.style.slug)).toEqual(["wave"]);
});

test("an order repeated after a lost answer keeps its key, a changed one gets a new key", async () => {
  const { easel, api } = await ready();
  api.restyle.mockRejectedValue(refused(0, "offline"));

  await easel.paint();
  await easel.paint();
  easel.setStrength(0.7);
  await easel.paint();

  expect(api.restyle.mock.calls.map(([, , key]) => key)).toEqual(["key-1", "key-1", "key-2"]);
  expect(easel.problem.value?.code).toBe("offline");
  expect(easel.canPaint.value).toBe(true);
});

test("an order is sent once, however often the button is pressed", async () => {
  const { easel, api } = await ready();

  const [first, second] = await Promise.all([easel.paint(), easel.paint()]);

  expect(api.restyle).toHaveBeenCalledTimes(1);
  expect(first?.id).toBe("job");
  expect(second).toBeNull();
});

test("leaving the easel ends the preview under way and frees its picture", async () => {
  const { easel, api, clock, closed } = await ready();
  api.preview.mockReturnValueOnce(deferred<Blob>().promise);
  easel.setStrength(0.3);
  await clock.pass(REST);

  easel[Symbol.dispose]();

  expect(api.preview.mock.calls[1]?.[3]?.aborted).toBe(true);
  expect(closed).toEqual(["picture-1"]);
});
