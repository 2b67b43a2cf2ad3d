import type { Backend, Frame, Painter } from "../painter/protocol";
import type { Ingredient } from "../painter/style";

export interface Candidate {
  backend: Backend;
  threads: number | null;
}

export interface Measured {
  short: number;
  /** Milliseconds from a frame's bytes to the painting's, in the worker: the median. */
  painter: number;
  /** The same as the page sees it, with both handovers. */
  whole: number;
  /** The first painting, RGBA: every way of computing paints the same one. Later ones depend on the clock. */
  pixels: Uint8ClampedArray;
}

const PEAK = 255;

/** How near two paintings are, in decibels (peak signal to noise); 30 and more looks the same. At most 99. */
export function agreement(one: Uint8ClampedArray, other: Uint8ClampedArray): number {
  if (one.length !== other.length) throw new RangeError("paintings of two sizes");
  const squares = one.reduce((sum, value, at) => sum + (value - other[at]!) ** 2, 0);
  return Math.min(99, 10 * Math.log10(PEAK ** 2 / (squares / one.length)));
}

export type PixelsOf = (painting: ImageBitmap) => Uint8ClampedArray;

const WARM = 3;
const FRAMES = 25;

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2;
};

interface BenchPorts {
  now: () => number;
  frame: (short: number, index: number) => Promise<Frame>;
  pixels: PixelsOf;
  signal: AbortSignal;
}

/**
 * Measure one way of computing: a painter of its own is opened, paints some frames of each size, and is closed.
 *
 * @throws Problem what the painter says; `painter_closed` once the signal says so, whatever it was at
 */
export async function measure(
  openPainter: () => Painter,
  candidate: Candidate,
  sizes: readonly number[],
  ports: BenchPorts,
  onSize: (measured: Measured) => void,
): Promise<void> {
  ports.signal.throwIfAborted();
  const painter = openPainter();
  ports.signal.addEventListener("abort", painter.close);
  try {
    const { model } = await painter.open(candidate.backend, candidate.threads);
    // How long it takes does not depend on the style.
    const style: Ingredient = { embedding: new Float32Array(model.embeddingSize), weight: 1 };
    for (const short of sizes) {
      await painter.choose([style], 1);
      await painter.begin();
      const whole: number[] = [];
      const inside: number[] = [];
      let pixels: Uint8ClampedArray = new Uint8ClampedArray(0);
      for (let index = 0; index < WARM + FRAMES; index++) {
        const frame = await ports.frame(short, index);
        const began = ports.now();
        const { painting, milliseconds } = await painter.paint(frame, short, false);
        if (index >= WARM) {
          whole.push(ports.now() - began);
          inside.push(milliseconds);
        }
        if (index === 0) pixels = ports.pixels(painting);
        painting.close();
      }
      onSize({ short, painter: median(inside), whole: median(whole), pixels });
    }
  } finally {
    ports.signal.removeEventListener("abort", painter.close);
    painter.close();
  }
}
