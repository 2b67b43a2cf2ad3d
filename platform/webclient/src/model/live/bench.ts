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
}

const WARM = 3;
const FRAMES = 25;

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2;
};

/** Measure one way of computing: a painter of its own is opened, paints some frames of each size, and is closed. */
export async function measure(
  openPainter: () => Painter,
  candidate: Candidate,
  sizes: readonly number[],
  ports: { now: () => number; frame: (short: number, index: number) => Promise<Frame> },
  onSize: (measured: Measured) => void,
): Promise<void> {
  const painter = openPainter();
  try {
    const { model } = await painter.open(candidate.backend, candidate.threads);
    // How long it takes does not depend on the style.
    const style: Ingredient = { embedding: new Float32Array(model.embeddingSize), weight: 1 };
    for (const short of sizes) {
      await painter.choose([style], 1);
      await painter.begin();
      const whole: number[] = [];
      const inside: number[] = [];
      for (let index = 0; index < WARM + FRAMES; index++) {
        const frame = await ports.frame(short, index);
        const began = ports.now();
        const { painting, milliseconds } = await painter.paint(frame, short, false);
        if (index >= WARM) {
          whole.push(ports.now() - began);
          inside.push(milliseconds);
        }
        painting.close();
      }
      onSize({ short, painter: median(inside), whole: median(whole) });
    }
  } finally {
    painter.close();
  }
}
