/**
 * The edit list: its time in whole frames, and edits that each give back a new, valid list.
 *
 * The first half is `editor/editlist/timeline.py` once more, operation for operation, so that a frame here is the
 * frame there. The second half never changes its argument; `tidy` closes every edit.
 */
import type {
  Canvas,
  Clip,
  EditList,
  Filters,
  Music,
  Segment,
  Sound,
  StickerOn,
  TextOn,
  Transition,
  View,
  Voice,
} from "./types";

// ---- time ----

/** A float's own error must not turn frame 21 (0.7 s at 30/s) into frame 20. */
const SAME_FRAME = 1e-4;
/** Of the source, in seconds: the server looks this much later as well. */
const SAME_MOMENT = 2e-6;
export const SPEEDS = { least: 0.25, most: 4 };
export const MOST = { segments: 100, texts: 100, stickers: 50, voices: 50, markers: 2000, words: 500 };

export interface Span {
  start: number;
  /** not included */
  end: number;
}

/** A segment at its place. `fadeIn` and `fadeOut` are the frames of a transition at either end. */
export interface Placed {
  segment: Segment;
  span: Span;
  fadeIn: number;
  fadeOut: number;
}

export interface Timeline {
  placed: readonly Placed[];
  rate: number;
  frames: number;
}

/** Halves upwards. */
export const round = (value: number): number => Math.floor(value + 0.5);

const SIDES: Record<Canvas["aspect"], [number, number]> = { "9:16": [9, 16], "1:1": [1, 1], "16:9": [16, 9] };

export function canvasSize(canvas: Canvas): { width: number; height: number } {
  const [across, down] = SIDES[canvas.aspect];
  const unit = canvas.short_side / Math.min(across, down);
  return { width: 2 * round((across * unit) / 2), height: 2 * round((down * unit) / 2) };
}

export const framesOf = (segment: Segment, rate: number): number =>
  Math.max(1, round(((segment.end - segment.start) / segment.speed) * rate));

/** A crossfade's overlap, or half a dip: what it takes from each of its two segments. */
export function fadeFrames({ kind, seconds }: Transition, rate: number): number {
  if (kind === "crossfade") return round(seconds * rate);
  return kind === "dip" ? round((seconds * rate) / 2) : 0;
}

export function layOut(edit: EditList): Timeline {
  const rate = edit.canvas.frame_rate;
  const placed: Placed[] = [];
  let at = 0;
  edit.segments.forEach((segment, index) => {
    const follower = edit.segments[index + 1];
    const fadeIn = fadeFrames(segment.transition, rate);
    const start = segment.transition.kind === "crossfade" ? at - fadeIn : at;
    const end = start + framesOf(segment, rate);
    const fadeOut = follower ? fadeFrames(follower.transition, rate) : 0;
    placed.push({ segment, span: { start, end }, fadeIn, fadeOut });
    at = end;
  });
  return { placed, rate, frames: at };
}

/** The frames that something shown from `start` to `end` seconds lies on; none past the video's end. */
export function spanOf(
  { frames, rate }: Pick<Timeline, "frames" | "rate">,
  start: number,
  end: number,
): Span {
  const first = Math.min(frames, round(start * rate));
  return { start: first, end: Math.min(frames, Math.max(first + 1, round(end * rate))) };
}

/** Which frame of the source a segment shows on its frame `frame`. */
export function sourceFrame(
  segment: Segment,
  frame: number,
  rate: number,
  source: { rate: number; count: number },
): number {
  const step = segment.reverse ? framesOf(segment, rate) - 1 - frame : frame;
  const moment = segment.start + (step * segment.speed) / rate;
  const shown = Math.floor((moment + SAME_MOMENT) * source.rate);
  return Math.min(Math.max(0, shown), source.count - 1);
}

export const sourceFrames = (segment: Segment, rate: number, source: { rate: number; count: number }) =>
  Array.from({ length: framesOf(segment, rate) }, (_, frame) => sourceFrame(segment, frame, rate, source));

/** Of a fade of `frames` frames, how much of the new picture there is on frame `frame` (from 0). */
export const fadeWeight = (frame: number, frames: number): number => (frame + 1) / (frames + 1);

export interface Shown {
  placed: Placed;
  /** of the segment */
  frame: number;
  /** of the new picture over what is already there */
  weight: number;
  /** 1 unless it dips */
  light: number;
}

/** What is on the canvas at a frame of the video: one segment, or two while they cross over. */
export function shownAt(timeline: Timeline, frame: number): Shown[] {
  const { placed } = timeline;
  return placed.flatMap((here, index) => {
    if (frame < here.span.start || frame >= here.span.end) return [];
    const own = frame - here.span.start;
    const follower = placed[index + 1];
    let weight = 1;
    let light = 1;
    if (own < here.fadeIn) {
      if (here.segment.transition.kind === "crossfade") weight = fadeWeight(own, here.fadeIn);
      else light *= fadeWeight(own, here.fadeIn);
    }
    const left = here.span.end - frame;
    if (follower?.segment.transition.kind === "dip" && left <= here.fadeOut) {
      light *= 1 - fadeWeight(here.fadeOut - left, here.fadeOut);
    }
    return [{ placed: here, frame: own, weight, light }];
  });
}

// ---- what the server would say against a list ----

export type ListName = "segments" | "texts" | "stickers" | "voices";
const LISTS = ["segments", "texts", "stickers", "voices"] as const;

/** The places that `editor/editlist` would refuse; an empty list is a valid edit. */
export function faultsOf(edit: EditList, lengthOf: LengthOf = () => null): string[] {
  const faults: string[] = [];
  const check = (fine: boolean, place: string) => fine || faults.push(place);
  const within = (value: number, least: number, most: number, place: string) =>
    check(Number.isFinite(value) && value >= least && value <= most, place);
  for (const name of LISTS) {
    check(edit[name].length <= MOST[name], name);
    check(new Set(edit[name].map(({ id }) => id)).size === edit[name].length, `${name}.id`);
    edit[name].forEach(({ id }, at) => check(/^[A-Za-z0-9_-]{1,40}$/.test(id), `${name}.${at}.id`));
  }
  const rate = edit.canvas.frame_rate;
  edit.segments.forEach((segment, at) => {
    const place = `segments.${at}`;
    const length = lengthOf(segment.clip);
    check(segment.start >= 0 && segment.end > segment.start, `${place}.end`);
    if (length !== null) check(segment.end <= length + 1e-9, `${place}.end`);
    within(segment.speed, SPEEDS.least, SPEEDS.most, `${place}.speed`);
    within(segment.volume, 0, 2, `${place}.volume`);
    within(segment.view.zoom, 0.1, 4, `${place}.view.zoom`);
    within(segment.view.rotation, -360, 360, `${place}.view.rotation`);
    within(segment.view.x, -1, 1, `${place}.view.x`);
    within(segment.view.y, -1, 1, `${place}.view.y`);
    const { crop } = segment.view;
    check(crop.left + crop.right <= 0.95 && crop.top + crop.bottom <= 0.95, `${place}.view.crop`);
    for (const value of Object.values(segment.filters)) within(value, -1, 1, `${place}.filters`);
    within(segment.transition.seconds, 0, 5, `${place}.transition.seconds`);
    if (at === 0) check(segment.transition.kind === "cut", `${place}.transition.kind`);
    const follower = edit.segments[at + 1];
    const fades =
      fadeFrames(segment.transition, rate) + (follower ? fadeFrames(follower.transition, rate) : 0);
    check(fades <= framesOf(segment, rate), `${place}.transition.seconds`);
  });
  for (const name of ["texts", "stickers"] as const) {
    edit[name].forEach((item, at) => {
      check(item.start >= 0 && item.end > item.start, `${name}.${at}.end`);
      within(item.x, -1, 2, `${name}.${at}.x`);
      within(item.y, -1, 2, `${name}.${at}.y`);
    });
  }
  edit.texts.forEach(({ text, size, width }, at) => {
    check(text.length > 0 && [...text].length <= MOST.words, `texts.${at}.text`);
    within(size, 0.01, 0.5, `texts.${at}.size`);
    within(width, 0.1, 1, `texts.${at}.width`);
  });
  edit.stickers.forEach(({ size }, at) => within(size, 0.02, 1, `stickers.${at}.size`));
  edit.voices.forEach((voice, at) => {
    check(voice.at >= 0 && voice.start >= 0, `voices.${at}.at`);
    check(voice.end === null || voice.end > voice.start, `voices.${at}.end`);
  });
  check(edit.markers.length <= MOST.markers && edit.markers.every((at) => at >= 0), "markers");
  check(edit.cover >= 0, "cover");
  return faults;
}

// ---- edits ----

/** How long a clip or a sound is, in seconds; null when nobody knows. */
export type LengthOf = (id: string) => number | null;
export type TimedName = "texts" | "stickers" | "voices";

export const clamp = (value: number, least: number, most: number) =>
  Math.min(Math.max(value, least), Math.max(least, most));

export const emptyEdit = (): EditList => ({
  version: 1,
  canvas: { aspect: "9:16", short_side: 720, frame_rate: 30 },
  segments: [],
  texts: [],
  stickers: [],
  original_volume: 1,
  music: null,
  voices: [],
  markers: [],
  cover: 0,
});

export const plainView = (): View => ({
  crop: { left: 0, top: 0, right: 0, bottom: 0 },
  zoom: 1,
  rotation: 0,
  x: 0,
  y: 0,
});

export const plainFilters = (): Filters => ({ brightness: 0, contrast: 0, saturation: 0, warmth: 0 });
const CUT: Transition = { kind: "cut", seconds: 0 };

/** The first free name with this letter. */
export function freshId(edit: EditList, letter: string): string {
  const taken = new Set(LISTS.flatMap((name) => edit[name].map(({ id }) => id)));
  for (let count = 1; ; count++) if (!taken.has(`${letter}${count}`)) return `${letter}${count}`;
}

/** What every edit ends with: inside the clips, transitions that fit, nothing before the first segment. */
export function tidy(edit: EditList, lengthOf: LengthOf): EditList {
  const rate = edit.canvas.frame_rate;
  const inside = edit.segments.map((segment) => keepInside(segment, lengthOf, rate));
  const segments: Segment[] = [];
  let spare = 0;
  inside.forEach((segment, at) => {
    const length = framesOf(segment, rate);
    const transition = at === 0 ? CUT : fitTransition(segment.transition, Math.min(spare, length), rate);
    segments.push(sameTransition(transition, segment.transition) ? segment : { ...segment, transition });
    spare = length - fadeFrames(transition, rate);
  });
  const markers = edit.markers.every((at, index, all) => at >= 0 && (index === 0 || at > all[index - 1]!))
    ? edit.markers
    : [...new Set(edit.markers.filter((at) => at >= 0))].toSorted((one, other) => one - other);
  return { ...edit, segments, markers };
}

const sameTransition = (one: Transition, other: Transition) =>
  one.kind === other.kind && one.seconds === other.seconds;

function keepInside(segment: Segment, lengthOf: LengthOf, rate: number): Segment {
  const length = lengthOf(segment.clip) ?? Math.max(segment.end, segment.start);
  const least = Math.min(length, segment.speed / rate);
  const start = clamp(segment.start, 0, length - least);
  const end = clamp(segment.end, start + least, length);
  if (start === segment.start && end === segment.end) return segment;
  // A clip shorter than one frame still has an end after its start.
  return { ...segment, start, end: end > start ? end : start + 1e-3 };
}

function fitTransition(transition: Transition, frames: number, rate: number): Transition {
  const wanted = fadeFrames(transition, rate);
  if (transition.kind === "cut") return transition;
  if (frames < 1) return CUT;
  if (wanted <= frames && transition.seconds <= 5) return transition;
  const seconds = Math.min(5, ((transition.kind === "dip" ? 2 : 1) * Math.min(wanted, frames)) / rate);
  return { ...transition, seconds };
}

export function segmentOf(clip: Pick<Clip, "id" | "duration_seconds">, id: string): Segment {
  return {
    id,
    clip: clip.id,
    start: 0,
    end: clip.duration_seconds,
    speed: 1,
    reverse: false,
    fit: "fit",
    view: plainView(),
    filters: plainFilters(),
    volume: 1,
    transition: CUT,
    unstyled: null,
  };
}

/** The length in whole frames of the canvas, as long as the clip allows. */
function wholeFrames(segment: Segment, rate: number): Segment {
  const frames = Math.max(1, Math.floor(((segment.end - segment.start) / segment.speed) * rate + SAME_FRAME));
  return { ...segment, end: Math.min(segment.end, segment.start + (frames * segment.speed) / rate) };
}

export function insertClip(
  edit: EditList,
  clip: Pick<Clip, "id" | "duration_seconds">,
  at: number,
  lengthOf: LengthOf,
) {
  if (edit.segments.length >= MOST.segments) return edit;
  const fresh = wholeFrames(segmentOf(clip, freshId(edit, "s")), edit.canvas.frame_rate);
  return tidy({ ...edit, segments: edit.segments.toSpliced(at, 0, fresh) }, lengthOf);
}

/** The segment on the canvas at a frame; while two cross over, the new one. */
export const segmentAt = (edit: EditList, frame: number): Placed | null =>
  layOut(edit).placed.findLast(({ span }) => frame >= span.start && frame < span.end) ?? null;

/** Cut a segment in two before the frame `frame` of the video; together they are as long as before. */
export function split(edit: EditList, id: string, frame: number, lengthOf: LengthOf): EditList {
  const rate = edit.canvas.frame_rate;
  const index = edit.segments.findIndex((segment) => segment.id === id);
  const placed = layOut(edit).placed[index];
  if (!placed || edit.segments.length >= MOST.segments) return edit;
  const { segment, span } = placed;
  const own = frame - span.start;
  const all = span.end - span.start;
  if (own <= 0 || own >= all) return edit;
  const length = (frames: number) => (frames * segment.speed) / rate;
  const cut = segment.start + length(segment.reverse ? all - own : own);
  const [early, late] = [
    { ...segment, end: cut },
    { ...segment, start: cut },
  ];
  const halves: [Segment, Segment] = segment.reverse ? [late, early] : [early, late];
  const first = exactly(halves[0], own, rate, lengthOf);
  const second = exactly(halves[1], all - own, rate, lengthOf);
  const pair = [first, { ...second, id: freshId(edit, "s"), transition: CUT }];
  return tidy({ ...edit, segments: edit.segments.toSpliced(index, 1, ...pair) }, lengthOf);
}

/** Move the far end by less than a frame where rounding would make it longer or shorter than `frames`. */
function exactly(segment: Segment, frames: number, rate: number, lengthOf: LengthOf): Segment {
  if (framesOf(segment, rate) === frames) return segment;
  const end = segment.start + (frames * segment.speed) / rate;
  return { ...segment, end: Math.min(end, lengthOf(segment.clip) ?? end) };
}

/** Move an edge by so many frames of the video, right is positive; what follows moves up or back. */
export function trim(edit: EditList, id: string, edge: "in" | "out", frames: number, lengthOf: LengthOf) {
  const rate = edit.canvas.frame_rate;
  return withSegment(edit, id, lengthOf, (segment) => {
    const longest = lengthOf(segment.clip) ?? Number.MAX_VALUE;
    const all = framesOf(segment, rate);
    const early = (edge === "in") !== segment.reverse;
    const by = segment.reverse ? -frames : frames;
    const seconds = (by * segment.speed) / rate;
    const least = segment.speed / rate;
    // From the rounded length, so that one frame of dragging is one frame of video.
    const whole = (all * segment.speed) / rate;
    if (early) {
      const end = Math.min(segment.end, longest);
      return { ...segment, start: clamp(end - whole + seconds, 0, end - least), end };
    }
    return { ...segment, end: clamp(segment.start + whole + seconds, segment.start + least, longest) };
  });
}

function withSegment(
  edit: EditList,
  id: string,
  lengthOf: LengthOf,
  change: (segment: Segment) => Segment,
): EditList {
  if (!edit.segments.some((segment) => segment.id === id)) return edit;
  const segments = edit.segments.map((segment) => (segment.id === id ? change(segment) : segment));
  return tidy({ ...edit, segments }, lengthOf);
}

export function moveSegment(edit: EditList, id: string, to: number, lengthOf: LengthOf): EditList {
  const from = edit.segments.findIndex((segment) => segment.id === id);
  const moved = edit.segments[from];
  const place = clamp(to, 0, edit.segments.length - 1);
  if (!moved || place === from) return edit;
  const rest = edit.segments.toSpliced(from, 1);
  return tidy({ ...edit, segments: rest.toSpliced(place, 0, moved) }, lengthOf);
}

export function duplicateSegment(edit: EditList, id: string, lengthOf: LengthOf): EditList {
  const index = edit.segments.findIndex((segment) => segment.id === id);
  const original = edit.segments[index];
  if (!original || edit.segments.length >= MOST.segments) return edit;
  const twin = { ...original, id: freshId(edit, "s"), transition: CUT };
  return tidy({ ...edit, segments: edit.segments.toSpliced(index + 1, 0, twin) }, lengthOf);
}

export const removeSegment = (edit: EditList, id: string, lengthOf: LengthOf): EditList =>
  tidy({ ...edit, segments: edit.segments.filter((segment) => segment.id !== id) }, lengthOf);

export const setSpeed = (edit: EditList, id: string, speed: number, lengthOf: LengthOf) =>
  withSegment(edit, id, lengthOf, (segment) => ({
    ...segment,
    speed: clamp(speed, SPEEDS.least, SPEEDS.most),
  }));

export const setReverse = (edit: EditList, id: string, reverse: boolean, lengthOf: LengthOf) =>
  withSegment(edit, id, lengthOf, (segment) => ({ ...segment, reverse }));

export const setFit = (edit: EditList, id: string, fit: Segment["fit"], lengthOf: LengthOf) =>
  withSegment(edit, id, lengthOf, (segment) => ({ ...segment, fit }));

export const setVolume = (edit: EditList, id: string, volume: number, lengthOf: LengthOf) =>
  withSegment(edit, id, lengthOf, (segment) => ({ ...segment, volume: clamp(volume, 0, 2) }));

export function setView(edit: EditList, id: string, change: Partial<View>, lengthOf: LengthOf) {
  return withSegment(edit, id, lengthOf, (segment) => {
    const view = { ...segment.view, ...change };
    return {
      ...segment,
      view: {
        crop: keepCrop(view.crop),
        zoom: clamp(view.zoom, 0.1, 4),
        rotation: turned(view.rotation),
        x: clamp(view.x, -1, 1),
        y: clamp(view.y, -1, 1),
      },
    };
  });
}

const MOST_CROPPED = 0.9;

function keepCrop(crop: View["crop"]): View["crop"] {
  const left = clamp(crop.left, 0, MOST_CROPPED);
  const top = clamp(crop.top, 0, MOST_CROPPED);
  return {
    left,
    top,
    right: clamp(crop.right, 0, MOST_CROPPED - left),
    bottom: clamp(crop.bottom, 0, MOST_CROPPED - top),
  };
}

/** The same direction between -180 and 180 degrees. */
export function turned(degrees: number): number {
  if (Math.abs(degrees) <= 180) return degrees;
  return degrees - 360 * Math.round(degrees / 360);
}

export const setFilters = (edit: EditList, id: string, change: Partial<Filters>, lengthOf: LengthOf) =>
  withSegment(edit, id, lengthOf, (segment) => {
    const filters = { ...segment.filters, ...change };
    return {
      ...segment,
      filters: {
        brightness: clamp(filters.brightness, -1, 1),
        contrast: clamp(filters.contrast, -1, 1),
        saturation: clamp(filters.saturation, -1, 1),
        warmth: clamp(filters.warmth, -1, 1),
      },
    };
  });

export const setTransition = (edit: EditList, id: string, transition: Transition, lengthOf: LengthOf) =>
  withSegment(edit, id, lengthOf, (segment) => ({
    ...segment,
    transition:
      transition.kind === "cut"
        ? CUT
        : { kind: transition.kind, seconds: clamp(transition.seconds, 1 / edit.canvas.frame_rate, 5) },
  }));

/** Another clip in the same place, painted from the one that stood there; that one is remembered. */
export const swapClip = (edit: EditList, id: string, clip: string, lengthOf: LengthOf) =>
  withSegment(edit, id, lengthOf, (segment) => {
    const before = segment.unstyled ?? segment.clip;
    return { ...segment, clip, unstyled: before === clip ? null : before };
  });

export const setCanvas = (edit: EditList, change: Partial<Canvas>, lengthOf: LengthOf): EditList =>
  tidy({ ...edit, canvas: { ...edit.canvas, ...change } }, lengthOf);

// ---- what lies over the picture and beside it ----

const LONGEST = 24 * 3600;

export function addText(edit: EditList, text: string, start: number, seconds: number): EditList {
  if (edit.texts.length >= MOST.texts) return edit;
  const fresh: TextOn = {
    id: freshId(edit, "t"),
    start,
    end: start + seconds,
    text,
    kind: "title",
    font: "sans",
    size: 0.06,
    colour: "#ffffff",
    background: null,
    outline: true,
    x: 0.5,
    y: 0.5,
    width: 0.9,
  };
  return { ...edit, texts: [...edit.texts, keepText(fresh)] };
}

export function addSticker(
  edit: EditList,
  name: StickerOn["name"],
  start: number,
  seconds: number,
): EditList {
  if (edit.stickers.length >= MOST.stickers) return edit;
  const fresh: StickerOn = {
    id: freshId(edit, "k"),
    start,
    end: start + seconds,
    name,
    size: 0.15,
    colour: "#ff4d6d",
    rotation: 0,
    x: 0.5,
    y: 0.5,
  };
  return { ...edit, stickers: [...edit.stickers, fresh] };
}

export function addVoice(edit: EditList, sound: Pick<Sound, "id">, at: number): EditList {
  if (edit.voices.length >= MOST.voices) return edit;
  const fresh: Voice = { id: freshId(edit, "v"), sound: sound.id, at, start: 0, end: null, volume: 1 };
  return { ...edit, voices: [...edit.voices, fresh] };
}

function keepTime<T extends { start: number; end: number }>(item: T, rate: number = 60): T {
  const start = clamp(item.start, 0, LONGEST - 1);
  return { ...item, start, end: clamp(item.end, start + 1 / rate, LONGEST) };
}

function keepText(text: TextOn): TextOn {
  const letters = [...text.text];
  return {
    ...keepTime(text),
    text: letters.length > MOST.words ? letters.slice(0, MOST.words).join("") : text.text || " ",
    size: clamp(text.size, 0.01, 0.5),
    width: clamp(text.width, 0.1, 1),
    x: clamp(text.x, -1, 2),
    y: clamp(text.y, -1, 2),
  };
}

export const changeText = (edit: EditList, id: string, change: Partial<TextOn>): EditList => ({
  ...edit,
  texts: edit.texts.map((text) => (text.id === id ? keepText({ ...text, ...change, id }) : text)),
});

export const changeSticker = (edit: EditList, id: string, change: Partial<StickerOn>): EditList => ({
  ...edit,
  stickers: edit.stickers.map((sticker) => {
    if (sticker.id !== id) return sticker;
    const next = keepTime({ ...sticker, ...change, id });
    return {
      ...next,
      size: clamp(next.size, 0.02, 1),
      rotation: turned(next.rotation),
      x: clamp(next.x, -1, 2),
      y: clamp(next.y, -1, 2),
    };
  }),
});

export const changeVoice = (edit: EditList, id: string, change: Partial<Voice>): EditList => ({
  ...edit,
  voices: edit.voices.map((voice) => {
    if (voice.id !== id) return voice;
    const next = { ...voice, ...change, id };
    const start = clamp(next.start, 0, LONGEST);
    return {
      ...next,
      at: clamp(next.at, 0, LONGEST),
      start,
      end: next.end === null ? null : Math.max(next.end, start + 0.05),
      volume: clamp(next.volume, 0, 2),
    };
  }),
});

/** Move something that lies over the video by so many frames. */
export function moveTimed(edit: EditList, name: TimedName, id: string, frames: number): EditList {
  const by = frames / edit.canvas.frame_rate;
  if (name === "voices") {
    const voice = edit.voices.find((one) => one.id === id);
    return voice ? changeVoice(edit, id, { at: Math.max(0, voice.at + by) }) : edit;
  }
  const item = edit[name].find((one) => one.id === id);
  if (!item) return edit;
  const step = Math.max(by, -item.start);
  const change = { start: item.start + step, end: item.end + step };
  return name === "texts" ? changeText(edit, id, change) : changeSticker(edit, id, change);
}

/** Move one of its edges by so many frames; at least one frame is left. */
export function trimTimed(
  edit: EditList,
  name: TimedName,
  id: string,
  edge: "in" | "out",
  frames: number,
  lengthOf: LengthOf,
): EditList {
  const by = frames / edit.canvas.frame_rate;
  const least = 1 / edit.canvas.frame_rate;
  if (name === "voices") {
    const voice = edit.voices.find((one) => one.id === id);
    if (!voice) return edit;
    const all = lengthOf(voice.sound) ?? LONGEST;
    const end = voice.end ?? all;
    if (edge === "out") {
      return changeVoice(edit, id, { end: clamp(end + by, voice.start + Math.max(least, 0.05), all) });
    }
    const step = clamp(by, -Math.min(voice.start, voice.at), end - voice.start - Math.max(least, 0.05));
    return changeVoice(edit, id, { start: voice.start + step, at: voice.at + step });
  }
  const item = edit[name].find((one) => one.id === id);
  if (!item) return edit;
  const change =
    edge === "in"
      ? { start: clamp(item.start + by, 0, item.end - least) }
      : { end: Math.max(item.end + by, item.start + least) };
  return name === "texts" ? changeText(edit, id, change) : changeSticker(edit, id, change);
}

export function removeItem(edit: EditList, name: ListName, id: string, lengthOf: LengthOf): EditList {
  if (name === "segments") return removeSegment(edit, id, lengthOf);
  return { ...edit, [name]: edit[name].filter((item) => item.id !== id) };
}

export function duplicateItem(edit: EditList, name: ListName, id: string, lengthOf: LengthOf): EditList {
  if (name === "segments") return duplicateSegment(edit, id, lengthOf);
  const item = edit[name].find((one) => one.id === id);
  if (!item || edit[name].length >= MOST[name]) return edit;
  const twin = { ...item, id: freshId(edit, { texts: "t", stickers: "k", voices: "v" }[name]) };
  // A little lower, so that one sees that there are two.
  const seen = "y" in twin ? { ...twin, y: clamp(twin.y + 0.08, -1, 2) } : twin;
  return { ...edit, [name]: [...edit[name], seen] };
}

export const setMusic = (edit: EditList, track: string | null): EditList => ({
  ...edit,
  music:
    track === null
      ? null
      : edit.music
        ? { ...edit.music, track, start: 0 }
        : { track, start: 0, volume: 0.8, fade_in: 0, fade_out: 1, ducking: 0.5 },
});

export function changeMusic(edit: EditList, change: Partial<Music>): EditList {
  if (!edit.music) return edit;
  const music = { ...edit.music, ...change };
  return {
    ...edit,
    music: {
      track: music.track,
      start: clamp(music.start, 0, LONGEST),
      volume: clamp(music.volume, 0, 2),
      fade_in: clamp(music.fade_in, 0, 10),
      fade_out: clamp(music.fade_out, 0, 10),
      ducking: clamp(music.ducking, 0, 1),
    },
  };
}

export const setOriginalVolume = (edit: EditList, volume: number): EditList => ({
  ...edit,
  original_volume: clamp(volume, 0, 2),
});

/** Set a marker, or take away the one that is on the same frame. */
export function toggleMarker(edit: EditList, frame: number): EditList {
  const rate = edit.canvas.frame_rate;
  const rest = edit.markers.filter((at) => round(at * rate) !== frame);
  if (rest.length < edit.markers.length) return { ...edit, markers: rest };
  if (rest.length >= MOST.markers) return edit;
  return { ...edit, markers: [...rest, frame / rate].toSorted((one, other) => one - other) };
}

export const setCover = (edit: EditList, frame: number): EditList => ({
  ...edit,
  cover: Math.max(0, frame) / edit.canvas.frame_rate,
});

/** The same text for the same edit, whatever order its names are in. */
export const fingerprint = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  );
