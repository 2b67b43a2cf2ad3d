/**
 * The arithmetic between the networks. Vectors of the norm layers (style, statistics, affine) lie layer after layer:
 * for a layer of K channels first K gammas, means or scales, then K betas, variances or shifts.
 */

export type Vector = Float32Array;

export interface Ingredient {
  embedding: Vector;
  weight: number;
}

const EPSILON = 1e-5;

/**
 * Go from what paints a picture as it is (strength 0) to the mix of styles (1) and past it (1.5), there half as fast.
 *
 * @throws RangeError for a strength outside 0..1.5, and where no style has a positive weight
 */
export function blend(identity: Vector, styles: readonly Ingredient[], strength: number): Vector {
  if (!(strength >= 0 && strength <= 1.5)) throw new RangeError(`strength ${strength} is not within 0..1.5`);
  const total = styles.reduce((sum, { weight }) => sum + weight, 0);
  if (!(total > 0) || styles.some(({ weight }) => weight < 0))
    throw new RangeError("no style has any weight");
  const reach = Math.min(strength, (1 + strength) / 2);
  return identity.map((value, at) => {
    const mixed = styles.reduce((sum, { embedding, weight }) => sum + (weight / total) * embedding[at]!, 0);
    return value + reach * (mixed - value);
  });
}

/** What each norm layer multiplies by and adds, once its mean and variance are known. */
export function affineOf(statistics: Vector, style: Vector, widths: readonly number[]): Vector {
  const affine = new Float32Array(statistics.length);
  let start = 0;
  for (const width of widths) {
    for (let at = start; at < start + width; at++) {
      const scale = (1 + style[at]!) / Math.sqrt(statistics[at + width]! + EPSILON);
      affine[at] = scale;
      affine[at + width] = style[at + width]! - statistics[at]! * scale;
    }
    start += 2 * width;
  }
  return affine;
}

/** Mean and variance over all frames at once, from those of frames of one size. */
export function pooled(frames: readonly Vector[], widths: readonly number[]): Vector {
  const [first] = frames;
  if (!first) throw new RangeError("no frame was measured");
  const whole = new Float32Array(first.length);
  let start = 0;
  for (const width of widths) {
    for (let at = start; at < start + width; at++) {
      let mean = 0;
      let square = 0;
      for (const frame of frames) {
        mean += frame[at]! / frames.length;
        square += (frame[at + width]! + frame[at]! ** 2) / frames.length;
      }
      whole[at] = mean;
      whole[at + width] = Math.max(0, square - mean ** 2);
    }
    start += 2 * width;
  }
  return whole;
}

/** A vector that follows new measurements slowly, so that the painting neither jumps nor breathes. */
export class Smoothed {
  readonly #share: number;
  #value: Vector | null = null;

  /** @param share of a new measurement, 0..1 */
  constructor(share: number) {
    this.#share = share;
  }

  get value(): Vector | null {
    return this.#value;
  }

  add(measured: Vector): Vector {
    const before = this.#value;
    this.#value = before
      ? before.map((value, at) => value + this.#share * (measured[at]! - value))
      : Float32Array.from(measured);
    return this.#value;
  }

  forget() {
    this.#value = null;
  }
}
