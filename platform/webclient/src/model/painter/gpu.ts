/** As much of a navigator as is asked here; browsers without WebGPU have none of it. */
interface GpuNavigator {
  gpu?: { requestAdapter(): Promise<Adapter | null> };
}

interface Adapter {
  info?: { isFallbackAdapter?: boolean };
  /** Where browsers had it before it moved into `info`. */
  isFallbackAdapter?: boolean;
}

export type AdapterKind = "hardware" | "software" | "none";

/** What is behind WebGPU: a graphics processor, or the ordinary one playing its part, which paints slower than WebAssembly. */
export async function kindOfAdapter(navigator: object): Promise<AdapterKind> {
  const { gpu } = navigator as GpuNavigator;
  const adapter = await gpu?.requestAdapter().catch(() => null);
  if (!adapter) return "none";
  return (adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter) ? "software" : "hardware";
}
