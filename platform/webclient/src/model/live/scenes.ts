/**
 * Scenes of a film: runs of frames between hard cuts. The rules and their numbers are those of the server
 * (stylization/engine/scene.py); here a flash that is over within three frames begins no scene at all.
 */

/** Frames are looked at this small, whatever their shape. */
export const THUMB = { width: 64, height: 36 } as const;

export interface Scene {
  /** Its first frame, counted from 0. */
  first: number;
  /** Timestamps of frames spread evenly over it, to be measured together. */
  moments: number[];
}

const CUT_COLOURS = 0.18;
const CUT_LEVEL = 12;
// Two scenes of the same colours: the difference must stand out from the motion around it.
const CUT_LEVEL_ALONE = 22;
const CUT_FACTOR_ALONE = 3.5;
const HISTORY = 12;
const SHORTEST = 8;
const FLASH = 3;
const SAMPLES = 8;
// Nearer ones say the same, and a film of many short scenes would be measured for as long as it is painted.
const FRAMES_PER_SAMPLE = 4;

interface Look {
  thumb: Uint8ClampedArray;
  /** Shares of 512 colours. */
  colours: Float32Array;
}

/** Finds the scenes of a film whose frames it sees one after another. */
export class SceneFinder {
  readonly #moments: number[] = [];
  #starts = [0];
  #last: Look | null = null;
  #differences: number[] = [];
  /** A cut that may still turn out to be a flash, and how things were before it. */
  #doubt: { before: Look; differences: number[] } | null = null;

  /**
   * @param thumb RGBA bytes of the next frame at `THUMB`'s size; kept, not copied
   * @param moment the frame's timestamp
   */
  see(thumb: Uint8ClampedArray, moment: number) {
    const frame = this.#moments.push(moment) - 1;
    const look = { thumb, colours: coloursOf(thumb) };
    const last = this.#last;
    this.#last = look;
    if (!last || this.#isFlashOver(look, frame)) return;
    const difference = differenceOf(look, last);
    if (frame - this.#starts.at(-1)! >= SHORTEST && standsOut(look, last, this.#differences)) {
      this.#doubt = { before: last, differences: this.#differences };
      this.#starts.push(frame);
      this.#differences = [];
    } else {
      this.#differences = [...this.#differences, difference].slice(-HISTORY);
    }
  }

  /** The scenes of all frames that were seen; none of no frames. */
  scenes(): Scene[] {
    if (this.#moments.length === 0) return [];
    return this.#starts.map((first, at) => {
      const moments = this.#moments.slice(first, this.#starts[at + 1]);
      const count = Math.min(SAMPLES, Math.ceil(moments.length / FRAMES_PER_SAMPLE));
      const spread = (index: number) => moments[Math.floor(((index + 0.5) / count) * moments.length)]!;
      return { first, moments: Array.from({ length: count }, (_, index) => spread(index)) };
    });
  }

  /** Whether the picture is back to what it was before the last cut: then that was none. */
  #isFlashOver(look: Look, frame: number): boolean {
    const doubt = this.#doubt;
    if (!doubt) return false;
    if (frame - this.#starts.at(-1)! > FLASH) {
      this.#doubt = null;
      return false;
    }
    if (standsOut(look, doubt.before, doubt.differences)) return false;
    this.#starts.pop();
    this.#differences = doubt.differences;
    this.#doubt = null;
    return true;
  }
}

/** Motion moves pixels; a cut changes what colours there are, or far more pixels than the motion before it. */
function standsOut(look: Look, last: Look, differences: readonly number[]): boolean {
  const difference = differenceOf(look, last);
  const changed = look.colours.reduce((sum, share, at) => sum + Math.abs(share - last.colours[at]!), 0) / 2;
  if (changed > CUT_COLOURS && difference > CUT_LEVEL) return true;
  return difference > CUT_LEVEL_ALONE && difference > CUT_FACTOR_ALONE * medianOf(differences);
}

function medianOf(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}

/** The mean difference of red, green and blue, in levels of 255. */
function differenceOf({ thumb }: Look, last: Look): number {
  let sum = 0;
  for (let at = 0; at < thumb.length; at += 4) {
    sum +=
      Math.abs(thumb[at]! - last.thumb[at]!) +
      Math.abs(thumb[at + 1]! - last.thumb[at + 1]!) +
      Math.abs(thumb[at + 2]! - last.thumb[at + 2]!);
  }
  return sum / (thumb.length * 0.75);
}

function coloursOf(thumb: Uint8ClampedArray): Float32Array {
  const shares = new Float32Array(512);
  const share = 4 / thumb.length;
  for (let at = 0; at < thumb.length; at += 4) {
    shares[colourOf(thumb[at]!, thumb[at + 1]!, thumb[at + 2]!)]! += share;
  }
  return shares;
}

const LINEAR = Float32Array.from({ length: 256 }, (_, level) => {
  const value = level / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});

/** Which of 8 × 8 × 8 colours this is, in Lab (D65), where equal steps look equal. */
export function colourOf(red: number, green: number, blue: number): number {
  const [r, g, b] = [LINEAR[red]!, LINEAR[green]!, LINEAR[blue]!];
  const x = curve((0.412453 * r + 0.35758 * g + 0.180423 * b) / 0.950456);
  const y = curve(0.212671 * r + 0.71516 * g + 0.072169 * b);
  const z = curve((0.019334 * r + 0.119193 * g + 0.950227 * b) / 1.088754);
  // Lightness 0..100 and both colours -128..127, in steps of an eighth.
  const light = eighth((116 * y - 16) * 2.55);
  return 64 * light + 8 * eighth(500 * (x - y) + 128) + eighth(200 * (y - z) + 128);
}

const curve = (value: number) => (value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116);
const eighth = (level: number) => Math.min(7, Math.max(0, Math.round(level) >> 5));
