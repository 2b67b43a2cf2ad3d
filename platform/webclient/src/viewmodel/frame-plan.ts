/**
 * What is seen and heard on one frame of an edit, in pixels and gains: docs/editor.md as a function. Whoever draws or plays
 * it decides nothing.
 */
import { canvasSize, shownAt, sourceFrame, spanOf, type Timeline } from "../model/edit-list";
import { drawable } from "../model/letters";
import type { Clip, EditList, Filters, FontName, Segment, Sound, StickerName, TextOn } from "../model/types";

/** Red, green and blue from red, green, blue and 1, in 0..1: three rows of four. */
export type ColourMatrix = readonly number[];

/** A cropped picture, scaled, turned about its middle (radians, clockwise), its middle at (x, y). */
export interface Place {
  /** shares of the source */
  crop: { left: number; top: number; width: number; height: number };
  x: number;
  y: number;
  width: number;
  height: number;
  rotation: number;
}

export interface PicturePart {
  segment: string;
  clip: string;
  video: string;
  sourceFrame: number;
  /** The middle of that frame in the file */
  seconds: number;
  /** Seconds of the file in a second of the video; below zero it runs backwards */
  pace: number;
  weight: number;
  light: number;
  colour: ColourMatrix | null;
  place: Place;
  backdrop: Place | null;
}

export interface WordsPart {
  id: string;
  text: string;
  font: FontName;
  colour: string;
  background: string | null;
  outline: boolean;
  /** pixels */
  size: number;
  x: number;
  y: number;
  width: number;
}

export interface StickerPart {
  id: string;
  name: StickerName;
  colour: string;
  size: number;
  x: number;
  y: number;
  rotation: number;
}

export interface FramePlan {
  frame: number;
  width: number;
  height: number;
  pictures: readonly PicturePart[];
  stickers: readonly StickerPart[];
  words: readonly WordsPart[];
  /** Clips that the edit names and that are gone */
  missing: readonly string[];
}

export type ClipById = Readonly<Record<string, Clip>>;
export type SoundById = Readonly<Record<string, Sound>>;

/** The nearest quarter turn; exactly between two the even one, as Python rounds. */
function quarterOf(degrees: number): number {
  const below = Math.floor(degrees / 90);
  const rest = degrees / 90 - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

const radians = (degrees: number) => (degrees * Math.PI) / 180;
/** The blur behind a picture, as a share of the canvas' short side. */
export const BLUR = 0.03;
export const BACKDROP_LIGHT = 0.6;

export function placeOf(segment: Segment, source: { width: number; height: number }, edit: EditList): Place {
  const { width: W, height: H } = canvasSize(edit.canvas);
  const { crop, zoom, rotation, x, y } = segment.view;
  const shares = cropShares(segment);
  const w = source.width * shares.width;
  const h = source.height * shares.height;
  const quarter = quarterOf(rotation);
  const [a, b] = quarter % 2 === 0 ? [w, h] : [h, w];
  const scale = zoom * (segment.fit === "fill" ? Math.max(W / a, H / b) : Math.min(W / a, H / b));
  return {
    crop: { left: crop.left, top: crop.top, width: shares.width, height: shares.height },
    x: W / 2 + x * W,
    y: H / 2 + y * H,
    width: w * scale,
    height: h * scale,
    rotation: radians(rotation),
  };
}

function backdropOf(segment: Segment, source: { width: number; height: number }, edit: EditList): Place {
  const { width: W, height: H } = canvasSize(edit.canvas);
  const shares = cropShares(segment);
  const w = source.width * shares.width;
  const h = source.height * shares.height;
  const quarter = quarterOf(segment.view.rotation);
  const [a, b] = quarter % 2 === 0 ? [w, h] : [h, w];
  const scale = Math.max(W / a, H / b);
  const { left, top } = segment.view.crop;
  return {
    crop: { left, top, width: shares.width, height: shares.height },
    x: W / 2,
    y: H / 2,
    width: w * scale,
    height: h * scale,
    rotation: radians(quarter * 90),
  };
}

const cropShares = ({ view: { crop } }: Segment) => ({
  width: 1 - crop.left - crop.right,
  height: 1 - crop.top - crop.bottom,
});

/** Warmth, then brightness, contrast and saturation, as one matrix; null where nothing is changed. */
export function colourMatrix({ warmth, brightness, contrast, saturation }: Filters): ColourMatrix | null {
  if (warmth === 0 && brightness === 0 && contrast === 0 && saturation === 0) return null;
  const warm = [1 + 0.2 * warmth, 1, 1 - 0.2 * warmth];
  const gain = (1 + brightness) * (1 + contrast);
  const lift = 0.5 - 0.5 * (1 + contrast);
  const vivid = 1 + saturation;
  const luma = [0.2126, 0.7152, 0.0722];
  return [0, 1, 2].flatMap((row) => {
    const shares = [0, 1, 2].map((from) => (from === row ? vivid : 0) + (1 - vivid) * luma[from]!);
    // Grey stays grey: the shares of a row add up to one, and so the lift passes through as it is.
    return [...shares.map((share, from) => share * warm[from]! * gain), lift];
  });
}

export function pictureAt(edit: EditList, timeline: Timeline, clips: ClipById, frame: number): FramePlan {
  const { width, height } = canvasSize(edit.canvas);
  const missing: string[] = [];
  const pictures = shownAt(timeline, frame).flatMap(
    ({ placed, frame: own, weight, light }): PicturePart[] => {
      const { segment } = placed;
      const clip = clips[segment.clip];
      if (!clip) {
        missing.push(segment.id);
        return [];
      }
      const source = { rate: clip.frame_rate, count: clip.frame_count };
      const shown = sourceFrame(segment, own, timeline.rate, source);
      return [
        {
          segment: segment.id,
          clip: clip.id,
          video: clip.video_url,
          sourceFrame: shown,
          seconds: (shown + 0.5) / clip.frame_rate,
          pace: segment.reverse ? -segment.speed : segment.speed,
          weight,
          light,
          colour: colourMatrix(segment.filters),
          place: placeOf(segment, clip, edit),
          backdrop: segment.fit === "blur" ? backdropOf(segment, clip, edit) : null,
        },
      ];
    },
  );
  const on = (item: { start: number; end: number }) => {
    const span = spanOf(timeline, item.start, item.end);
    return frame >= span.start && frame < span.end;
  };
  return {
    frame,
    width,
    height,
    pictures,
    missing,
    stickers: edit.stickers.filter(on).map((sticker) => ({
      id: sticker.id,
      name: sticker.name,
      colour: sticker.colour,
      size: sticker.size * height,
      x: sticker.x * width,
      y: sticker.y * height,
      rotation: radians(sticker.rotation),
    })),
    words: edit.texts.filter(on).map((text) => wordsOf(text, width, height)),
  };
}

const wordsOf = (text: TextOn, width: number, height: number): WordsPart => ({
  id: text.id,
  text: drawable(text.text, text.font),
  font: text.font,
  colour: text.colour,
  background: text.background,
  outline: text.outline,
  size: Math.max(LEAST_LETTER, text.size * height),
  x: text.x * width,
  y: text.y * height,
  width: text.width * width,
});

// ---- words ----

export const LINE = 1.25;
export const OUTLINE = 0.06;
export const PADDING = 0.3;
export const CORNER = 0.2;
/** How far below the middle of its line the letters stand */
export const BASELINE = 0.35;
/** Pixels; smaller letters are none */
const LEAST_LETTER = 4;

const CJK_FROM = 0x2e80;
/** They stand over the letter before. */
const ACCENT = /[\u0300-\u036f]/;
const isCjk = (letter: string | undefined) => (letter?.codePointAt(0) ?? 0) >= CJK_FROM;

/**
 * Break lines at spaces, before and after Chinese characters, and within a word that is too wide itself, where they are wider
 * than `width`.
 */
export function breakLines(text: string, width: number, measure: (line: string) => number): string[] {
  const fits = (line: string) => measure(line.trimEnd()) <= width;
  return text.split("\n").flatMap((paragraph) => {
    const lines: string[] = [];
    let line = "";
    for (const piece of piecesOf(paragraph).flatMap((whole) => torn(whole, fits))) {
      if (line !== "" && !fits(line + piece)) {
        lines.push(line.trimEnd());
        line = piece.trimStart();
      } else line += piece;
    }
    return [...lines, line.trimEnd()];
  });
}

/** The word, or where it is too wide for a line of its own as much of it as fits, again and again. */
function torn(word: string, fits: (line: string) => boolean): string[] {
  if (fits(word)) return [word];
  const parts: string[] = [];
  let part = "";
  for (const letter of word) {
    if (part !== "" && !fits(part + letter) && !ACCENT.test(letter)) {
      parts.push(part);
      part = "";
    }
    part += letter;
  }
  return [...parts, part];
}

/** What stays together where it can: a word with the spaces after it, or one Chinese character. */
function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  let piece = "";
  const letters = [...text];
  letters.forEach((letter, at) => {
    piece += letter;
    const next = letters[at + 1];
    const afterSpace = letter === " " && next !== " ";
    if (next === undefined || afterSpace || isCjk(letter) || isCjk(next)) {
      pieces.push(piece);
      piece = "";
    }
  });
  return pieces;
}

// ---- sound ----

export interface SoundPart {
  /** `music`, or the id of a segment or a recording */
  id: string;
  url: string;
  /** Where in the file */
  seconds: number;
  gain: number;
}

export interface HeardPlan {
  /** Gains of the segments' own sound, by segment; 0 where there is none */
  segments: Readonly<Record<string, number>>;
  sounds: readonly SoundPart[];
}

/** At 1 the music steps back to about a quarter. */
const DUCKED = 0.75;

export function soundAt(
  edit: EditList,
  timeline: Timeline,
  clips: ClipById,
  sounds: SoundById,
  frame: number,
): HeardPlan {
  const now = frame / timeline.rate;
  const shown = shownAt(timeline, frame);
  const fading = shown.length > 1 ? shown[1]!.weight : 0;
  const segments: Record<string, number> = {};
  shown.forEach(({ placed: { segment } }, at) => {
    const audible = clips[segment.clip]?.has_audio ?? false;
    const share = shown.length > 1 ? (at === 0 ? 1 - fading : fading) : 1;
    segments[segment.id] = audible ? segment.volume * edit.original_volume * share : 0;
  });
  const voices = edit.voices.flatMap((voice): SoundPart[] => {
    const sound = sounds[voice.sound];
    const seconds = voice.start + now - voice.at;
    if (!sound || now < voice.at || seconds >= Math.min(voice.end ?? Infinity, sound.duration_seconds))
      return [];
    return [{ id: voice.id, url: sound.audio_url, seconds, gain: voice.volume }];
  });
  const covered = voices.length > 0 || Object.values(segments).some((gain) => gain > 0.05);
  return { segments, sounds: [...voices, ...musicAt(edit, timeline, sounds, now, covered)] };
}

function musicAt(
  { music }: EditList,
  { frames, rate }: Timeline,
  sounds: SoundById,
  now: number,
  covered: boolean,
): SoundPart[] {
  const track = music && sounds[music.track];
  if (!music || !track) return [];
  const seconds = music.start + now;
  const length = Math.min(frames / rate, track.duration_seconds - music.start);
  if (now >= length) return [];
  const fadeIn = music.fade_in > 0 ? Math.min(1, now / music.fade_in) : 1;
  const fadeOut = music.fade_out > 0 ? Math.min(1, (length - now) / music.fade_out) : 1;
  const duck = covered ? 1 - DUCKED * music.ducking : 1;
  return [{ id: "music", url: track.audio_url, seconds, gain: music.volume * fadeIn * fadeOut * duck }];
}
