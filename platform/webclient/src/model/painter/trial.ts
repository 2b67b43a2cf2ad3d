import type { Networks } from "./networks";
import { ScenePainter } from "./scene";

const SIDE = 64;

/** A frame that goes from black to white. */
const ramp = (side: number) => Float32Array.from({ length: 3 * side * side }, (_, at) => (at % side) / side);

/**
 * Paint one small frame as it is and see whether a picture comes out.
 *
 * @throws Error it does not: some graphics driver computes something else
 */
export async function tryOut(
  networks: Networks,
  { norm_widths, picture_size, embedding_size }: Described,
): Promise<void> {
  const painter = new ScenePainter(networks, norm_widths, () => 0);
  painter.choose([{ embedding: new Float32Array(embedding_size), weight: 1 }], 0);
  const frame = { width: SIDE, height: SIDE, planes: ramp(SIDE) };
  const painted = await painter.paint(frame, ramp(picture_size), picture_size);
  let [least, most] = [Infinity, -Infinity];
  for (const value of painted) [least, most] = [Math.min(least, value), Math.max(most, value)];
  // NaN passes no comparison.
  if (!(most - least > 0.1 && most - least < 10)) throw new Error("the networks do not paint");
}

interface Described {
  norm_widths: readonly number[];
  picture_size: number;
  embedding_size: number;
}
