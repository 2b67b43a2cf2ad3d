import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import * as edits from "../src/model/edit-list";
import type { EditList } from "../src/model/types";
import { clip } from "./fakes";

const CLIPS: Record<string, number> = { swan: 3, boat: 8.37, blink: 0.02 };
const lengthOf = (id: string) => CLIPS[id] ?? null;
const swan = clip({ id: "swan", duration_seconds: 3 });
const boat = clip({ id: "boat", duration_seconds: 8.37 });

/** Two clips one after the other: 90 and 251 frames at 30 a second. */
function twoClips(): EditList {
  const first = edits.insertClip(edits.emptyEdit(), swan, 0, lengthOf);
  return edits.insertClip(first, boat, 1, lengthOf);
}

const frames = (edit: EditList) => edits.layOut(edit).frames;
const lengths = (edit: EditList) => edits.layOut(edit).placed.map(({ span }) => span.end - span.start);

interface Case {
  edit: EditList;
  size: [number, number];
  source_rate: number;
  count: number;
  frames: number;
  placed: number[][];
  shown: number[][];
  span: [number, number, number, number];
}

/** Written by `editor/editlist/timeline.py` from random lists. */
const cases = JSON.parse(readFileSync(join(import.meta.dirname, "timeline-cases.json"), "utf8")) as Case[];

test.each(cases.map((one, index) => [index, one] as const))(
  "case %i has the server's frames",
  (_index, one) => {
    const timeline = edits.layOut(one.edit);
    const source = { rate: one.source_rate, count: one.count };

    expect(edits.canvasSize(one.edit.canvas)).toEqual({ width: one.size[0], height: one.size[1] });
    expect(timeline.frames).toBe(one.frames);
    expect(
      timeline.placed.map(({ span, fadeIn, fadeOut }) => [span.start, span.end, fadeIn, fadeOut]),
    ).toEqual(one.placed);
    expect(
      timeline.placed.map(({ segment }) => {
        const shown = edits.sourceFrames(segment, timeline.rate, source);
        const at = (index: number) => shown[Math.floor(index)];
        const sum = shown.reduce((all, frame) => all + frame, 0);
        return [shown[0], at(shown.length / 3), at(shown.length / 2), shown.at(-1), sum];
      }),
    ).toEqual(one.shown);
    const [start, end, first, last] = one.span;
    expect(edits.spanOf(timeline, start, end)).toEqual({ start: first, end: last });
    expect(edits.faultsOf(one.edit)).toEqual([]);
  },
);

test("halves are rounded upwards, as the server does", () => {
  expect([0.5, 1.5, 2.5, 3.49, 3.51].map(edits.round)).toEqual([1, 2, 3, 3, 4]);
});

test("a split leaves the video as long and every frame where it was", () => {
  const source = { rate: 24, count: 300 };
  for (const reverse of [false, true]) {
    for (const speed of [0.25, 1, 1.3, 4]) {
      const whole = edits.setReverse(
        edits.setSpeed(twoClips(), "s2", speed, lengthOf),
        "s2",
        reverse,
        lengthOf,
      );
      const before = edits.layOut(whole);
      const at = before.placed[1]!.span.start + 17;
      const halves = edits.split(whole, "s2", at, lengthOf);
      const after = edits.layOut(halves);

      expect(after.placed.map(({ span }) => span.start).slice(1)).toEqual([90, at]);
      expect(Math.abs(after.frames - before.frames)).toBeLessThanOrEqual(1);
      const shown = (list: edits.Timeline) =>
        list.placed.slice(1).flatMap(({ segment }) => edits.sourceFrames(segment, 30, source));
      const [one, other] = [shown(before), shown(after)];
      const apart = other.slice(0, one.length - 1).map((frame, index) => Math.abs(frame - one[index]!));
      expect(Math.max(...apart)).toBeLessThanOrEqual(reverse ? Math.ceil(speed) : 1);
    }
  }
});

test("a split at an edge changes nothing", () => {
  const edit = twoClips();

  expect(edits.split(edit, "s1", 0, lengthOf)).toBe(edit);
  expect(edits.split(edit, "s1", 90, lengthOf)).toBe(edit);
  expect(edits.split(edit, "nobody", 5, lengthOf)).toBe(edit);
});

test("an edge moves as far as it is pulled and no further than the clip", () => {
  const edit = twoClips();

  expect(lengths(edits.trim(edit, "s1", "in", 10, lengthOf))).toEqual([80, 251]);
  expect(lengths(edits.trim(edit, "s1", "out", -10, lengthOf))).toEqual([80, 251]);
  expect(lengths(edits.trim(edit, "s1", "out", 500, lengthOf))).toEqual([90, 251]);
  expect(lengths(edits.trim(edit, "s1", "in", 500, lengthOf))).toEqual([1, 251]);
});

test("the left edge of a reversed segment is the end of its clip", () => {
  const edit = edits.setReverse(twoClips(), "s1", true, lengthOf);
  const [first] = edits.trim(edit, "s1", "in", 15, lengthOf).segments;

  expect(first).toMatchObject({ start: 0 });
  expect(first!.end).toBeCloseTo(2.5);
});

test("a transition never takes more than its two segments have", () => {
  const faded = edits.setTransition(twoClips(), "s2", { kind: "crossfade", seconds: 5 }, lengthOf);

  expect(edits.fadeFrames(faded.segments[1]!.transition, 30)).toBe(90);
  expect(edits.faultsOf(edits.trim(faded, "s1", "out", -80, lengthOf))).toEqual([]);
});

test("whatever becomes the first segment begins with a cut", () => {
  const faded = edits.setTransition(twoClips(), "s2", { kind: "dip", seconds: 1 }, lengthOf);

  expect(edits.moveSegment(faded, "s2", 0, lengthOf).segments[0]!.transition.kind).toBe("cut");
  expect(edits.removeSegment(faded, "s1", lengthOf).segments[0]!.transition.kind).toBe("cut");
});

test("while two cross over both are shown, and the new one has no more than its weight", () => {
  const edit = edits.setTransition(twoClips(), "s2", { kind: "crossfade", seconds: 0.1 }, lengthOf);
  const timeline = edits.layOut(edit);

  expect(timeline.frames).toBe(90 + 251 - 3);
  expect(
    [86, 87, 88, 89, 90].map((frame) => edits.shownAt(timeline, frame).map(({ weight }) => weight)),
  ).toEqual([[1], [1, 0.25], [1, 0.5], [1, 0.75], [1]]);
});

test("a dip darkens the one and brightens the other, and overlaps nothing", () => {
  const edit = edits.setTransition(twoClips(), "s2", { kind: "dip", seconds: 0.2 }, lengthOf);
  const timeline = edits.layOut(edit);

  expect(timeline.frames).toBe(90 + 251);
  expect([86, 87, 88, 89, 90, 91, 92, 93].map((frame) => edits.shownAt(timeline, frame)[0]!.light)).toEqual([
    1, 0.75, 0.5, 0.25, 0.25, 0.5, 0.75, 1,
  ]);
});

test("a painted clip takes the place of the plain one, which is remembered through every further coat", () => {
  const once = edits.swapClip(twoClips(), "s1", "painted", lengthOf);
  const twice = edits.swapClip(once, "s1", "painted-again", lengthOf);
  const back = edits.swapClip(twice, "s1", "swan", lengthOf);

  expect(twice.segments[0]).toMatchObject({ clip: "painted-again", unstyled: "swan" });
  expect(back.segments[0]).toMatchObject({ clip: "swan", unstyled: null });
});

test("a marker set twice on a frame is taken away", () => {
  const once = edits.toggleMarker(edits.toggleMarker(edits.emptyEdit(), 30), 12);

  expect(once.markers).toEqual([0.4, 1]);
  expect(edits.toggleMarker(once, 30).markers).toEqual([0.4]);
});

test("words and recordings can be moved and trimmed, but not before the beginning", () => {
  const edit = edits.addVoice(edits.addText(twoClips(), "Hello", 1, 2), { id: "voice" }, 1);
  const moved = edits.moveTimed(edits.moveTimed(edit, "texts", "t1", -900), "voices", "v1", -900);
  const trimmed = edits.trimTimed(moved, "texts", "t1", "out", -900, lengthOf);

  expect(moved.texts[0]).toMatchObject({ start: 0, end: 2 });
  expect(moved.voices[0]).toMatchObject({ at: 0 });
  expect(trimmed.texts[0]!.end).toBeCloseTo(1 / 30);
});

/** A small generator, so that a failure can be repeated. */
function random(seed: number) {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

test.each([1, 2, 3, 4, 5, 6])(
  "any edits in any order leave a list that the server takes (seed %i)",
  (seed) => {
    const next = random(seed);
    const pick = <T>(all: readonly T[]): T => all[Math.floor(next() * all.length)]!;
    const wide = () => (next() - 0.5) * 12;
    let edit = twoClips();
    for (let step = 0; step < 300; step++) {
      const id = edit.segments.length > 0 ? pick(edit.segments).id : "none";
      const before = JSON.stringify(edit);
      const kept = edit;
      edit = pick<() => EditList>([
        () =>
          edits.insertClip(
            edit,
            pick([swan, boat, clip({ id: "blink", duration_seconds: 0.02 })]),
            0,
            lengthOf,
          ),
        () => edits.split(edit, id, Math.floor(next() * frames(edit)), lengthOf),
        () => edits.trim(edit, id, pick(["in", "out"]), Math.round(wide() * 20), lengthOf),
        () => edits.moveSegment(edit, id, Math.round(wide()), lengthOf),
        () => edits.duplicateSegment(edit, id, lengthOf),
        () => edits.removeSegment(edit, id, lengthOf),
        () => edits.setSpeed(edit, id, wide(), lengthOf),
        () => edits.setReverse(edit, id, next() > 0.5, lengthOf),
        () => edits.setFit(edit, id, pick(["fit", "fill", "blur"]), lengthOf),
        () => edits.setVolume(edit, id, wide(), lengthOf),
        () =>
          edits.setView(edit, id, { zoom: wide(), rotation: wide() * 200, x: wide(), y: wide() }, lengthOf),
        () =>
          edits.setView(
            edit,
            id,
            { crop: { left: wide(), top: wide(), right: wide(), bottom: wide() } },
            lengthOf,
          ),
        () => edits.setFilters(edit, id, { warmth: wide(), contrast: wide() }, lengthOf),
        () =>
          edits.setTransition(
            edit,
            id,
            { kind: pick(["cut", "crossfade", "dip"]), seconds: wide() },
            lengthOf,
          ),
        () => edits.setCanvas(edit, { frame_rate: pick([24, 25, 30, 50, 60]) }, lengthOf),
        () => edits.addText(edit, pick(["", "Hi", "字".repeat(600)]), Math.abs(wide()), wide()),
        () => edits.addSticker(edit, pick(["heart", "star"]), Math.abs(wide()), 2),
        () => edits.changeText(edit, "t1", { start: wide(), size: wide(), x: wide() }),
        () => edits.changeSticker(edit, "k1", { end: wide(), rotation: wide() * 500, size: wide() }),
        () =>
          edits.moveTimed(
            edit,
            pick(["texts", "stickers", "voices"]),
            pick(["t1", "k1", "v1"]),
            Math.round(wide() * 30),
          ),
        () =>
          edits.trimTimed(
            edit,
            pick(["texts", "stickers", "voices"]),
            pick(["t1", "k1", "v1"]),
            pick(["in", "out"]),
            Math.round(wide() * 30),
            lengthOf,
          ),
        () => edits.addVoice(edit, { id: "voice" }, Math.abs(wide())),
        () =>
          edits.duplicateItem(
            edit,
            pick(["texts", "stickers", "voices"]),
            pick(["t1", "k1", "v1"]),
            lengthOf,
          ),
        () => edits.toggleMarker(edit, Math.floor(next() * 200)),
        () =>
          edits.changeMusic(edits.setMusic(edit, "song"), {
            volume: wide(),
            fade_in: wide(),
            ducking: wide(),
          }),
      ])();
      expect(edits.faultsOf(edit, lengthOf)).toEqual([]);
      // What was given is untouched, or undo would lie.
      expect(JSON.stringify(kept)).toBe(before);
    }
  },
);

test("a fingerprint does not depend on the order of names", () => {
  expect(edits.fingerprint({ a: 1, b: { c: [2], d: null } })).toBe(
    edits.fingerprint({ b: { d: null, c: [2] }, a: 1 }),
  );
});
