import { Problem } from "../problem";
import type { Ingredient, Vector } from "./style";

export type Backend = "webgpu" | "wasm";
export type Frame = VideoFrame | ImageBitmap;

export interface Opened {
  backend: Backend;
  threads: number;
  model: Model;
}

/** What the worker paints with: a vector is right for the model whose checksum it carries, and for no other. */
export interface Model {
  name: string;
  version: string;
  sha256: string;
  embeddingSize: number;
}

export interface Painted {
  painting: ImageBitmap;
  /** From the frame's bytes to the painting's, in the worker. */
  milliseconds: number;
}

/** What may be asked of the worker, and what it answers. */
export interface Calls {
  open: { ask: { backend: Backend | "best"; threads: number | null; key: string }; answer: Opened };
  /** The style of a picture. */
  embed: { ask: { picture: Frame }; answer: Vector };
  choose: { ask: { ingredients: readonly Ingredient[]; strength: number }; answer: null };
  /** Another scene: what was measured of the last one no longer holds. */
  begin: { ask: Record<string, never>; answer: null };
  /** Look at one frame of a film before it is painted; `lock` then holds all of them to one measure. */
  sample: { ask: { frame: Frame; short: number }; answer: null };
  lock: { ask: Record<string, never>; answer: null };
  paint: { ask: { frame: Frame; short: number; mirror: boolean }; answer: Painted };
}

export type Kind = keyof Calls;
export interface Request<K extends Kind = Kind> {
  id: number;
  kind: K;
  ask: Calls[K]["ask"];
}
export type Reply =
  { id: number; answer: Calls[Kind]["answer"] } | { id: number; problem: { code: string; detail: string } };

/** As much of a Worker as is needed here. */
export interface WorkerPort {
  postMessage(message: Request, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<Reply>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  terminate(): void;
}

/** The worker as seen from the page: one method for each thing it can do, each answer a promise. */
export class Painter {
  readonly #port: WorkerPort;
  readonly #key: string;
  readonly #waiting = new Map<
    number,
    { resolve: (answer: never) => void; reject: (problem: Problem) => void }
  >();
  #count = 0;
  #end: Problem | null = null;

  /** @param key the public key that releases are signed with, in base64 */
  constructor(port: WorkerPort, key: string) {
    this.#port = port;
    this.#key = key;
    port.onmessage = ({ data }) => this.#settle(data);
    // A script that cannot be loaded, or memory that ran out: no question will be answered any more.
    port.onerror = (event) => this.#fail(problemOf("painter_lost", event.message ?? ""));
  }

  open = (backend: Backend | "best", threads: number | null) =>
    this.#call("open", { backend, threads, key: this.#key });
  embed = (picture: Frame) => this.#call("embed", { picture }, [picture]);
  choose = (ingredients: readonly Ingredient[], strength: number) =>
    this.#call("choose", { ingredients, strength });
  begin = () => this.#call("begin", {});
  sample = (frame: Frame, short: number) => this.#call("sample", { frame, short }, [frame]);
  lock = () => this.#call("lock", {});
  paint = (frame: Frame, short: number, mirror: boolean) =>
    this.#call("paint", { frame, short, mirror }, [frame]);

  close = () => {
    this.#fail(problemOf("painter_closed", ""));
    this.#port.terminate();
  };

  /** Frames are handed over, not copied: whoever gave one no longer has it. */
  #call<K extends Kind>(
    kind: K,
    ask: Calls[K]["ask"],
    transfer: Transferable[] = [],
  ): Promise<Calls[K]["answer"]> {
    if (this.#end) return Promise.reject(this.#end);
    const id = ++this.#count;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#port.postMessage({ id, kind, ask }, transfer);
    });
  }

  #settle(reply: Reply) {
    const caller = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (!caller) return;
    if ("problem" in reply) caller.reject(problemOf(reply.problem.code, reply.problem.detail));
    else caller.resolve(reply.answer as never);
  }

  #fail(problem: Problem) {
    this.#end ??= problem;
    for (const { reject } of this.#waiting.values()) reject(problem);
    this.#waiting.clear();
  }
}

export const problemOf = (code: string, detail: string) =>
  new Problem({ status: code === "offline" ? 0 : -2, code, detail });
