import { type Frame, Painter, type WorkerPort } from "../painter/protocol";
import { type Candidate, measure, type Measured } from "./bench";
import { bound } from "./encoding";
import { type FilmEntry, FilmStore } from "./film";
import { FilmLocks } from "./locks";
import { lengthOf, restyleFile } from "./restyle";
import { type ShelfPorts, StyleShelf } from "./shelf";
import { Studio, type StudioEvents, type StudioPorts, type Take } from "./studio";

export interface ToolPorts extends Omit<StudioPorts, "films" | "locks" | "openPainter">, ShelfPorts {
  openWorker: () => WorkerPort;
  /** The public key that this site signs its networks with, in base64. */
  modelKey: string;
  indexedDB: IDBFactory;
  /** Null where the browser has none, or the page is not secure. */
  lockManager: LockManager | null;
}

/** Everything that paints on this device, fetched only where somebody does. */
export function liveTools(ports: ToolPorts) {
  const films = new FilmStore(ports.indexedDB);
  const locks = new FilmLocks(ports.lockManager);
  const openPainter = () => new Painter(ports.openWorker(), ports.modelKey);
  return {
    shelf: () => new StyleShelf(ports),
    studio: (events: StudioEvents) => new Studio({ ...ports, films, locks, openPainter }, events),
    painter: openPainter,
    pictureOf: (blob: Blob) => createImageBitmap(blob),
    restyleFile,
    lengthOf,
    measure: (
      candidate: Candidate,
      sizes: readonly number[],
      onSize: (measured: Measured) => void,
      signal: AbortSignal,
    ) => {
      const { now } = ports;
      return measure(
        openPainter,
        candidate,
        sizes,
        { now, frame: testFrame, pixels: pixelsOf, signal },
        onSize,
      );
    },
    /** Films that a reload cut off and no tab has: one that is being recorded or looked at elsewhere is not among them. */
    async unfinished(): Promise<FilmEntry[]> {
      const entries = await films.unfinished().catch((): FilmEntry[] => []);
      const held = await locks.held();
      return entries.filter(({ id }) => !held.has(id));
    },
    /** Take a film, so that no other tab does. @returns false where one has been quicker */
    claim: (id: string) => locks.claim(id),
    /** Let go of a film and leave it to be found. */
    release: (id: string) => locks.release(id),
    /** A film that was cut off by a reload, as far as it had been written; null where nothing can be seen in it. */
    async recover({ id, types }: FilmEntry, name: string): Promise<Take | null> {
      const read = async (track: "painted" | "raw", fileName: string) => {
        const blob = types[track] ? await films.read(id, track) : new Blob();
        return blob.size > 0 ? await bound(blob, types[track]!, fileName) : null;
      };
      const painted = await read("painted", name);
      const raw = await read("raw", `${name}-camera`);
      if (!painted || (await lengthOf(painted).catch(() => 0)) <= 0) return null;
      return { id, painted, raw };
    },
    async forget(id: string) {
      await films.forget(id).catch(() => undefined);
      locks.release(id);
    },
  };
}

export type LiveTools = ReturnType<typeof liveTools>;

function pixelsOf(painting: ImageBitmap): Uint8ClampedArray {
  const ink = new OffscreenCanvas(painting.width, painting.height).getContext("2d")!;
  ink.drawImage(painting, 0, 0);
  return ink.getImageData(0, 0, painting.width, painting.height).data;
}

/** Something that moves, so that no frame is like the last. */
async function testFrame(short: number, index: number): Promise<Frame> {
  const canvas = new OffscreenCanvas(short, short);
  const ink = canvas.getContext("2d")!;
  const sky = ink.createLinearGradient(0, 0, short, short);
  sky.addColorStop(0, "#2f4858");
  sky.addColorStop(1, "#f6ae2d");
  ink.fillStyle = sky;
  ink.fillRect(0, 0, short, short);
  ink.fillStyle = "#f26419";
  ink.beginPath();
  ink.arc((index * 7) % short, short / 2, short / 5, 0, 2 * Math.PI);
  ink.fill();
  return await createImageBitmap(canvas);
}
