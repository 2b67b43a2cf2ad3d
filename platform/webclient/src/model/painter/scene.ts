import { answer, type Networks } from "./networks";
import type { Size } from "./pixels";
import { affineOf, blend, type Ingredient, pooled, Smoothed, type Vector } from "./style";

/** A picture as three planes of 0..1, red, green, blue. */
export interface Planes extends Size {
  planes: Float32Array;
}

export interface Rhythm {
  /** Milliseconds between two measurements of the scene. */
  statistics: number;
  /** Milliseconds between two looks at what paints the scene as it is. */
  own: number;
}

const LIVE: Rhythm = { statistics: 1000, own: 5000 };
const SHARE = 0.3;

/**
 * Paints the frames of one scene, all with the same statistics.
 *
 * Norms measured anew for each frame would make the picture breathe. Live, they are measured every second and follow
 * slowly; for a film they are measured beforehand over frames of all of it, and locked.
 */
export class ScenePainter {
  readonly #networks: Networks;
  readonly #widths: readonly number[];
  readonly #now: () => number;
  readonly #rhythm: Rhythm;
  readonly #statistics = new Smoothed(SHARE);
  readonly #identity = new Smoothed(SHARE);
  #ingredients: readonly Ingredient[] = [];
  #strength = 1;
  #style: Vector | null = null;
  #affine: Vector | null = null;
  #samples: Planes[] = [];
  #identitySamples: Vector[] = [];
  #measuredAt = -Infinity;
  #lookedAt = -Infinity;
  #locked = false;

  constructor(networks: Networks, widths: readonly number[], now: () => number, rhythm: Rhythm = LIVE) {
    this.#networks = networks;
    this.#widths = widths;
    this.#now = now;
    this.#rhythm = rhythm;
  }

  /** Paint with these styles from now on. Statistics belong to a style, so they are measured anew. */
  choose(ingredients: readonly Ingredient[], strength: number) {
    blend(ingredients[0]?.embedding ?? new Float32Array(0), ingredients, strength);
    this.#ingredients = ingredients;
    this.#strength = strength;
    this.#style = null;
    this.#statistics.forget();
    this.#locked = false;
  }

  /** Another camera or another film. */
  begin() {
    this.#style = null;
    this.#statistics.forget();
    this.#identity.forget();
    this.#samples = [];
    this.#identitySamples = [];
    this.#locked = false;
  }

  /** Remember a frame of a film that will be painted, and what paints it as it is. */
  async sample(frame: Planes, square: Float32Array, side: number) {
    this.#samples.push(frame);
    this.#identitySamples.push(await this.#identityOf(square, side));
  }

  /** Measure the remembered frames together; all frames are painted with that. */
  async lock() {
    const count = this.#identitySamples.length;
    if (count === 0) throw new RangeError("no frame was measured");
    const identity = this.#identitySamples[0]!.map(
      (_value, at) => this.#identitySamples.reduce((sum, vector) => sum + vector[at]!, 0) / count,
    );
    this.#style = await this.#readOut(identity);
    const measured: Vector[] = [];
    for (const frame of this.#samples) measured.push((await this.#transform(frame, this.#style)).statistics);
    this.#affine = affineOf(pooled(measured, this.#widths), this.#style, this.#widths);
    this.#samples = [];
    this.#identitySamples = [];
    this.#locked = true;
  }

  /** Whether the next frame wants its middle square beside it, to see what paints the scene as it is. */
  get wantsSquare(): boolean {
    if (this.#locked) return false;
    return this.#identity.value === null || this.#now() - this.#lookedAt >= this.#rhythm.own;
  }

  /** @param square the frame's middle at the predictor's size, where `wantsSquare` */
  async paint(frame: Planes, square: Float32Array | null, side: number): Promise<Float32Array> {
    if (!this.#locked) await this.#follow(frame, square, side);
    const affine = { data: this.#affine!, dims: [1, this.#affine!.length] };
    const painting = await answer(
      this.#networks["transform-locked"],
      { frame: tensorOf(frame), affine },
      "painting",
    );
    return painting.data;
  }

  /** @param square three planes, `side` by `side` */
  embed(square: Float32Array, side: number): Promise<Vector> {
    return this.#see(square, side, "embedding");
  }

  /** What the picture is painted as it is with: releases before 2.4.0 know its own embedding alone. */
  #identityOf(square: Float32Array, side: number): Promise<Vector> {
    return this.#see(square, side, "identity", "embedding");
  }

  async #see(square: Float32Array, side: number, ...names: string[]): Promise<Vector> {
    const picture = { data: square, dims: [1, 3, side, side] };
    return Float32Array.from((await answer(this.#networks.predictor, { picture }, ...names)).data);
  }

  async #follow(frame: Planes, square: Float32Array | null, side: number) {
    if (square && this.wantsSquare) {
      this.#identity.add(await this.#identityOf(square, side));
      this.#lookedAt = this.#now();
      this.#style = null;
    }
    const isNew = this.#statistics.value === null;
    if (!isNew && this.#style && this.#now() - this.#measuredAt < this.#rhythm.statistics) return;
    const identity = this.#identity.value;
    if (!identity) throw new RangeError("the first frame of a scene comes with its square");
    this.#style ??= await this.#readOut(identity);
    const { statistics } = await this.#transform(frame, this.#style);
    this.#measuredAt = this.#now();
    this.#affine = affineOf(this.#statistics.add(statistics), this.#style, this.#widths);
  }

  async #readOut(identity: Vector): Promise<Vector> {
    const embedding = blend(identity, this.#ingredients, this.#strength);
    const inputs = { embedding: { data: embedding, dims: [1, embedding.length] } };
    return Float32Array.from((await answer(this.#networks.readout, inputs, "style")).data);
  }

  async #transform(frame: Planes, style: Vector): Promise<{ statistics: Vector }> {
    const inputs = { frame: tensorOf(frame), style: { data: style, dims: [1, style.length] } };
    return {
      statistics: Float32Array.from((await answer(this.#networks.transform, inputs, "statistics")).data),
    };
  }
}

const tensorOf = ({ planes, width, height }: Planes) => ({ data: planes, dims: [1, 3, height, width] });
