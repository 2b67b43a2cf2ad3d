/** The four networks, whatever runs them. */
export interface Tensor {
  data: Float32Array;
  dims: readonly number[];
}

/** One network: named tensors in, named tensors out. */
export type Network = (inputs: Readonly<Record<string, Tensor>>) => Promise<Record<string, Tensor>>;

export const ROLES = ["predictor", "readout", "transform", "transform-locked"] as const;
export type Role = (typeof ROLES)[number];

export type Networks = Record<Role, Network>;

/** @throws Error naming what a network did not say */
export async function answer(
  network: Network,
  inputs: Record<string, Tensor>,
  name: string,
): Promise<Tensor> {
  const tensor = (await network(inputs))[name];
  if (!tensor) throw new Error(`the network has no output “${name}”`);
  return tensor;
}
