import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-web/wasm";

import { type Network, type Networks, type Role, ROLES, type Tensor } from "./networks";
import { kindOfAdapter } from "./gpu";
import { sharesMemory } from "./memory";
import type { Backend } from "./protocol";

type Ort = Pick<typeof import("onnxruntime-web/wasm"), "env" | "InferenceSession" | "Tensor">;

export interface Runtime {
  backend: Backend;
  threads: number;
  open(bytes: Uint8Array): Promise<Network>;
}

/** Four threads paint a small picture nearly as fast as more, and leave the others to the camera and the encoder. */
const MOST_THREADS = 4;

export function threadsFor(shared: boolean, cores: number): number {
  return shared ? Math.max(1, Math.min(MOST_THREADS, cores)) : 1;
}

/** What opens networks. WebAssembly gets as many threads as the page may have, where nothing else is asked for. */
export async function openRuntime(wish: Backend, threads: number | null): Promise<Runtime> {
  const count = threads ?? threadsFor(sharesMemory(globalThis), self.navigator.hardwareConcurrency || 1);
  return wish === "webgpu"
    ? runtime(await loadWebGpu(), "webgpu", 1)
    : runtime(await loadWasm(count), "wasm", count);
}

/** The ways of computing to try, the fastest first. */
export async function waysFor(wish: Backend | "best", navigator: object): Promise<Backend[]> {
  if (wish !== "best") return [wish];
  return (await kindOfAdapter(navigator)) === "hardware" ? ["webgpu", "wasm"] : ["wasm"];
}

/** Open the four networks one after another: onnxruntime refuses to open two on WebGPU at once. */
export async function openAll(
  runtime: Pick<Runtime, "open">,
  bytes: Readonly<Record<Role, Uint8Array>>,
): Promise<Networks> {
  const opened: [Role, Network][] = [];
  for (const role of ROLES) opened.push([role, await runtime.open(bytes[role])]);
  return Object.fromEntries(opened) as Networks;
}

/** @throws what the last one threw, where none works */
export async function firstThatWorks<Way, Result>(
  ways: readonly Way[],
  attempt: (way: Way) => Promise<Result>,
): Promise<Result> {
  const [way, ...others] = ways;
  if (way === undefined) throw new RangeError("no way to try");
  return await attempt(way).catch((error: unknown) => {
    if (others.length === 0) throw error;
    return firstThatWorks(others, attempt);
  });
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
