import { Canvas } from "./canvas";
import { ModelStore, type Release } from "./manifest";
import { type Size, toPlanes, toRgba, workingSize } from "./pixels";
import type { Backend, Calls, Frame, Kind, Opened, Painted, Reply, Request } from "./protocol";
import { firstThatWorks, openAll, openRuntime, waysFor } from "./runtime";
import { type Planes, ScenePainter } from "./scene";
import { verifyEd25519 } from "./signature";
import { tryOut } from "./trial";

/**
 * The painter's own thread: it fetches the release, holds the networks, and turns frames into paintings, one after
 * another. Its script is answered with a policy that allows WebAssembly; the page's own policy does not.
 */

const thread = self as unknown as {
  onmessage: ((event: MessageEvent<Request>) => void) | null;
  postMessage(reply: Reply, transfer: Transferable[]): void;
};

let scene: ScenePainter | null = null;
let side = 0;
const easel = new Canvas();
const square = new Canvas();

const handlers: { [K in Kind]: (ask: Calls[K]["ask"]) => Promise<Calls[K]["answer"]> } = {
  open,
  embed: async ({ picture }) => {
    const vector = await ready().embed(middle(picture), side);
    picture.close();
    return vector;
  },
  choose: async ({ ingredients, strength }) => {
    ready().choose(ingredients, strength);
    return null;
  },
  begin: async () => {
    ready().begin();
    return null;
  },
  sample: async ({ frame, short }) => {
    const planes = planesOf(frame, workingSize(sizeOf(frame), short), false);
    const own = middle(frame);
    frame.close();
    await ready().sample(planes, own, side);
    return null;
  },
  lock: async () => {
    await ready().lock();
    return null;
  },
  paint,
};

// Frames of one scene are painted in the order in which they came.
let last: Promise<unknown> = Promise.resolve();
thread.onmessage = ({ data }) => {
  last = last.then(() => answer(data));
};

async function answer({ id, kind, ask }: Request) {
  try {
    const result = await handlers[kind](ask as never);
    const transfer = result !== null && "painting" in result ? [result.painting] : [];
    thread.postMessage({ id, answer: result }, transfer);
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    thread.postMessage(
      {
        id,
        problem: {
          code: typeof code === "string" ? code : "painter_failed",
          detail: error instanceof Error ? error.message : String(error),
        },
      },
      [],
    );
  }
}

async function open({ backend, threads, key }: Calls["open"]["ask"]): Promise<Opened> {
  const store = new ModelStore({
    fetch: (url, signal) => fetch(url, { signal }),
    open: "caches" in self ? () => caches.open("impasto-models") : null,
    digest: (bytes) => crypto.subtle.digest("SHA-256", bytes),
    verify: verifyEd25519,
    key,
  });
  const released = store.release();
  const opening = waysFor(backend, self.navigator).then((ways) =>
    firstThatWorks(ways, (way) => openNetworks(way, threads, released)),
  );
  const [{ manifest }, { networks, runtime }] = await Promise.all([released, opening]);
  scene = new ScenePainter(networks, manifest.norm_widths, () => performance.now());
  side = manifest.picture_size;
  const { name, version, model_sha256: sha256, embedding_size: embeddingSize } = manifest;
  return {
    backend: runtime.backend,
    threads: runtime.threads,
    model: { name, version, sha256, embeddingSize },
  };
}

async function openNetworks(way: Backend, threads: number | null, released: Promise<Release>) {
  const [runtime, { manifest, bytes }] = await Promise.all([openRuntime(way, threads), released]);
  const networks = await openAll(runtime, bytes);
  // Drivers differ: what opens there need not run, nor run right.
  if (way === "webgpu") await tryOut(networks, manifest);
  return { runtime, networks };
}

async function paint({ frame, short, mirror }: Calls["paint"]["ask"]): Promise<Painted> {
  const began = performance.now();
  const painter = ready();
  const own = painter.wantsSquare ? middle(frame) : null;
  const planes = planesOf(frame, workingSize(sizeOf(frame), short), mirror);
  frame.close();
  const painted = await painter.paint(planes, own, side);
  const pixels = new ImageData(planes.width, planes.height);
  toRgba(painted, pixels.data);
  const painting = easel.show(pixels);
  return { painting, milliseconds: performance.now() - began };
}

function ready(): ScenePainter {
  if (!scene) throw new Error("the networks are not open yet");
  return scene;
}

function planesOf(frame: Frame, size: Size, mirror: boolean): Planes {
  const whole = sizeOf(frame);
  return { ...size, planes: toPlanes(easel.draw(frame, { x: 0, y: 0, ...whole }, size, mirror)) };
}

/** The middle square at the predictor's size: what the style of a picture is read from. */
function middle(picture: Frame): Float32Array {
  const { width, height } = sizeOf(picture);
  const short = Math.min(width, height);
  const from = { x: (width - short) / 2, y: (height - short) / 2, width: short, height: short };
  return toPlanes(square.draw(picture, from, { width: side, height: side }, false));
}

function sizeOf(frame: Frame): Size {
  if ("displayWidth" in frame) return { width: frame.displayWidth, height: frame.displayHeight };
  // An ImageBitmap's sizes are not its own properties: spread, it would have none.
  return { width: frame.width, height: frame.height };
}
