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

/**
 * @param names of outputs: the first that the network has is its answer
 * @throws Error naming what a network did not say
 */
export async function answer(
  network: Network,
  inputs: Record<string, Tensor>,
  ...names: string[]
): Promise<Tensor> {
  const outputs = await network(inputs);
  const tensor = names.map((name) => outputs[name]).find((each) => each);
  if (!tensor) throw new Error(`the network has no output “${names.join("” or “")}”`);
  return tensor;
}
