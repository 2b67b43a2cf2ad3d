import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-web/wasm";

import type { Network, Tensor } from "./networks";
import type { Backend } from "./protocol";

type Ort = Pick<typeof import("onnxruntime-web/wasm"), "env" | "InferenceSession" | "Tensor">;

export interface Runtime {
  backend: Backend;
  threads: number;
  open(bytes: Uint8Array): Promise<Network>;
}

/** Four threads paint a small picture nearly as fast as more, and leave the others to the camera and the encoder. */
const MOST_THREADS = 4;

export function threadsFor(isolated: boolean, cores: number): number {
  return isolated ? Math.max(1, Math.min(MOST_THREADS, cores)) : 1;
}

/** WebGPU where there is an adapter, else WebAssembly with as many threads as the page may have. */
export async function openRuntime(wish: Backend | "best", threads: number | null): Promise<Runtime> {
  const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated ?? false;
  const count = threads ?? threadsFor(isolated, self.navigator.hardwareConcurrency || 1);
  if (wish !== "wasm" && (await hasAdapter())) return runtime(await loadWebGpu(), "webgpu", 1);
  if (wish === "webgpu") throw new Error("no WebGPU adapter");
  return runtime(await loadWasm(count), "wasm", count);
}

async function hasAdapter(): Promise<boolean> {
  const { gpu } = self.navigator as { gpu?: { requestAdapter(): Promise<unknown> } };
  try {
    return (await gpu?.requestAdapter()) != null;
  } catch {
    return false;
  }
}

/** The runtime's own files come from this site, under names that hold their hash. */
async function loadWasm(threads: number): Promise<Ort> {
  const [ort, wasm, mjs] = await Promise.all([
    import("onnxruntime-web/wasm"),
    import("onnxruntime-web/ort-wasm-simd-threaded.wasm?url"),
    import("onnxruntime-web/ort-wasm-simd-threaded.mjs?url"),
  ]);
  ort.env.wasm.wasmPaths = { wasm: absolute(wasm.default), mjs: absolute(mjs.default) };
  ort.env.wasm.numThreads = threads;
  return ort;
}

async function loadWebGpu(): Promise<Ort> {
  const [ort, wasm, mjs] = await Promise.all([
    import("onnxruntime-web/webgpu"),
    import("onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url"),
    import("onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url"),
  ]);
  ort.env.wasm.wasmPaths = { wasm: absolute(wasm.default), mjs: absolute(mjs.default) };
  ort.env.wasm.numThreads = 1;
  return ort;
}

const absolute = (url: string) => new URL(url, self.location.href).href;

function runtime(ort: Ort, backend: Backend, threads: number): Runtime {
  ort.env.logLevel = "error";
  const options: InferenceSession.SessionOptions = {
    executionProviders: [backend],
    graphOptimizationLevel: "all",
  };
  return {
    backend,
    threads,
    async open(bytes) {
      const session = await ort.InferenceSession.create(bytes, options);
      return async (inputs) => {
        const feeds = Object.entries(inputs).map(([name, { data, dims }]) => [
          name,
          new ort.Tensor("float32", data, dims),
        ]);
        const answers = await session.run(Object.fromEntries(feeds) as Record<string, OrtTensor>);
        return Object.fromEntries(Object.entries(answers).map(([name, tensor]) => [name, plain(tensor)]));
      };
    },
  };
}

const plain = (tensor: OrtTensor): Tensor => ({ data: tensor.data as Float32Array, dims: tensor.dims });
