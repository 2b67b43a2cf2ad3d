import { expect, test } from "vitest";

import * as edits from "../src/model/edit-list";
import type { EditList } from "../src/model/types";
import { breakLines, colourMatrix, pictureAt, soundAt } from "../src/viewmodel/frame-plan";
import { clip, sound } from "./fakes";

const wide = clip({
  id: "wide",
  width: 640,
  height: 360,
  duration_seconds: 3,
  frame_rate: 24,
  frame_count: 72,
});
const clips = { wide };
const lengthOf = () => 3;
const one = (): EditList =>
  edits.insertClip(
    { ...edits.emptyEdit(), canvas: { aspect: "1:1", short_side: 360, frame_rate: 30 } },
    wide,
    0,
    lengthOf,
  );
const plan = (edit: EditList, frame = 0) => pictureAt(edit, edits.layOut(edit), clips, frame);

test("the source frame is asked for in its middle, where no rounding reaches its neighbours", () => {
  const [picture] = plan(one(), 21).pictures;

  expect(picture?.sourceFrame).toBe(16);
  expect(picture?.seconds).toBeCloseTo(16.5 / 24);
});

test("fit shows all of it, fill covers the canvas, blur has a covering picture behind", () => {
  const place = (fit: "fit" | "fill" | "blur") => plan(edits.setFit(one(), "s1", fit, lengthOf)).pictures[0]!;

  expect(place("fit").place).toMatchObject({ x: 180, y: 180, width: 360, height: 202.5 });
  expect(place("fill").place).toMatchObject({ width: 640, height: 360 });
  expect(place("blur").backdrop).toMatchObject({ width: 640, height: 360, x: 180, y: 180 });
});

test("turned by a quarter it is fitted by its other side; moved and enlarged from there", () => {
  const turned = edits.setView(one(), "s1", { rotation: 91, zoom: 2, x: 0.25, y: -0.5 }, lengthOf);
  const { place } = plan(turned).pictures[0]!;

  expect(place).toMatchObject({ width: 720, height: 405, x: 270, y: 0 });
  expect(place.rotation).toBeCloseTo((91 * Math.PI) / 180);
});

test("a crop is cut off before it is fitted", () => {
  const cropped = edits.setView(
    one(),
    "s1",
    { crop: { left: 0.25, right: 0.25, top: 0, bottom: 0 } },
    lengthOf,
  );
  const { place } = plan(cropped).pictures[0]!;

  expect(place.crop).toEqual({ left: 0.25, top: 0, width: 0.5, height: 1 });
  expect([place.width, place.height]).toEqual([320, 360]);
});

/** The page's words, one step after the other. */
function filtered(rgb: number[], { warmth, brightness, contrast, saturation }: Record<string, number>) {
  const warm = [1 + 0.2 * warmth!, 1, 1 - 0.2 * warmth!];
  const lit = rgb.map((value, at) => (value * warm[at]! * (1 + brightness!) - 0.5) * (1 + contrast!) + 0.5);
  const luma = 0.2126 * lit[0]! + 0.7152 * lit[1]! + 0.0722 * lit[2]!;
  return lit.map((value) => luma + (1 + saturation!) * (value - luma));
}

test("the colour matrix is the four filters in their order", () => {
  const filters = { warmth: 0.4, brightness: -0.2, contrast: 0.5, saturation: -0.7 };
  const matrix = colourMatrix(filters)!;
  const rgb = [0.2, 0.7, 0.9];
  const shown = [0, 1, 2].map((row) =>
    [...rgb, 1].reduce((sum, value, at) => sum + value * matrix[row * 4 + at]!, 0),
  );

  filtered(rgb, filters).forEach((value, at) => expect(shown[at]).toBeCloseTo(value));
  expect(colourMatrix(edits.plainFilters())).toBe(null);
});

test("words and stickers are there on their frames only, in pixels of the canvas", () => {
  const edit = edits.addSticker(edits.addText(one(), "Hi", 1, 1), "star", 0, 1);

  expect(plan(edit, 29)).toMatchObject({ words: [], stickers: [{ name: "star", size: 54 }] });
  expect(plan(edit, 30)).toMatchObject({
    words: [{ text: "Hi", size: 21.599999999999998, x: 180 }],
    stickers: [],
  });
  expect(plan(edit, 60).words).toEqual([]);
});

test("a clip that is gone is named and everything else is shown", () => {
  const edit = edits.addText(one(), "Hi", 0, 1);

  expect(pictureAt(edit, edits.layOut(edit), {}, 0)).toMatchObject({ pictures: [], missing: ["s1"] });
});

const letters = (line: string) => [...line].length;

test("lines break at spaces, and between Chinese characters", () => {
  expect(breakLines("the quick brown fox", 10, letters)).toEqual(["the quick", "brown fox"]);
  expect(breakLines("一二三四五", 2, letters)).toEqual(["一二", "三四", "五"]);
  expect(breakLines("see 一二", 5, letters)).toEqual(["see 一", "二"]);
  expect(breakLines("x一y", 1, letters)).toEqual(["x", "一", "y"]);
  expect(breakLines("to unbreakable x", 4, letters)).toEqual(["to", "unbr", "eaka", "ble", "x"]);
  expect(breakLines("ne\u0301\u0301\u0301", 2, letters)).toEqual(["ne\u0301\u0301\u0301"]);
  expect(breakLines("one\ntwo three", 5, letters)).toEqual(["one", "two", "three"]);
});

test("the music fades in and out and steps back under a voice", () => {
  const song = sound({ id: "song", duration_seconds: 60 });
  const voice = sound({ id: "voice", duration_seconds: 1 });
  let edit = edits.setVolume(edits.setMusic(one(), "song"), "s1", 0, lengthOf);
  edit = edits.changeMusic(edit, { start: 5, volume: 1, fade_in: 1, fade_out: 1, ducking: 1 });
  edit = edits.addVoice(edit, voice, 1.5);
  const heard = (frame: number) => soundAt(edit, edits.layOut(edit), clips, { song, voice }, frame).sounds;

  expect(heard(15)).toMatchObject([{ id: "music", seconds: 5.5, gain: 0.5 }]);
  expect(heard(45)).toMatchObject([
    { id: "v1", seconds: 0 },
    { id: "music", gain: 0.25 },
  ]);
  expect(heard(81)[0]?.gain).toBeCloseTo(0.3);
});
