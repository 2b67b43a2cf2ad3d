/** Films as they grow, kept in the browser's own storage so that a reload does not lose them. */

export type FilmTrack = "painted" | "raw";

export interface FilmEntry {
  id: string;
  startedAt: number;
  /** Media type of each track that was begun. */
  types: Partial<Record<FilmTrack, string>>;
}

interface Piece {
  film: string;
  track: FilmTrack;
  index: number;
  /** A private window of Safari keeps bytes, and no blobs. */
  bytes: ArrayBuffer;
}

const FILMS = "films";
const PIECES = "pieces";

export class FilmStore {
  readonly #factory: IDBFactory;
  #database: Promise<IDBDatabase> | null = null;

  constructor(factory: IDBFactory) {
    this.#factory = factory;
  }

  /** @throws DOMException where there is no room, or storage is forbidden; so do all others */
  async begin(entry: FilmEntry): Promise<void> {
    await settled((await this.#store(FILMS, "readwrite")).put(entry));
  }

  async append(film: string, track: FilmTrack, index: number, bytes: Blob): Promise<void> {
    const piece: Piece = { film, track, index, bytes: await bytes.arrayBuffer() };
    await settled((await this.#store(PIECES, "readwrite")).put(piece));
  }

  /** Films that were begun and neither used nor thrown away, newest first. */
  async unfinished(): Promise<FilmEntry[]> {
    const films = (await settled((await this.#store(FILMS, "readonly")).getAll())) as FilmEntry[];
    return films.toSorted((a, b) => b.startedAt - a.startedAt);
  }

  /** As much of a track as had been written; empty where there was none. */
  async read(film: string, track: FilmTrack): Promise<Blob> {
    const pieces = (await settled(
      (await this.#store(PIECES, "readonly")).getAll(range(film, track)),
    )) as Piece[];
    return new Blob(pieces.map(({ bytes }) => bytes));
  }

  async forget(film: string): Promise<void> {
    await settled((await this.#store(FILMS, "readwrite")).delete(film));
    for (const track of ["painted", "raw"] as const) {
      await settled((await this.#store(PIECES, "readwrite")).delete(range(film, track)));
    }
  }

  async #store(name: string, mode: IDBTransactionMode): Promise<IDBObjectStore> {
    this.#database ??= this.#open();
    return (await this.#database).transaction(name, mode).objectStore(name);
  }

  #open(): Promise<IDBDatabase> {
    const request = this.#factory.open("impasto-films", 1);
    request.addEventListener("upgradeneeded", () => {
      request.result.createObjectStore(FILMS, { keyPath: "id" });
      request.result.createObjectStore(PIECES, { keyPath: ["film", "track", "index"] });
    });
    return settled(request);
  }
}

const range = (film: string, track: FilmTrack) =>
  IDBKeyRange.bound([film, track, 0], [film, track, Number.MAX_SAFE_INTEGER]);

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error ?? new Error("IndexedDB failed")));
  });
}

/** One track of a film: what the muxer writes, in memory and (as long as there is room) in the store. */
export class GrowingFilm {
  readonly #store: Pick<FilmStore, "append">;
  readonly #id: string;
  readonly #track: FilmTrack;
  readonly #onUnkept: () => void;
  readonly #pieces: Blob[] = [];
  #kept = true;

  /** @param onUnkept the store is full or forbidden: from here on the film is in memory alone */
  constructor(store: Pick<FilmStore, "append">, id: string, track: FilmTrack, onUnkept: () => void) {
    this.#store = store;
    this.#id = id;
    this.#track = track;
    this.#onUnkept = onUnkept;
  }

  async append(bytes: Blob): Promise<void> {
    const index = this.#pieces.push(bytes) - 1;
    if (!this.#kept) return;
    try {
      await this.#store.append(this.#id, this.#track, index, bytes);
    } catch {
      // What lies in the store stays a film that ends here: a gap in it would not.
      this.#kept = false;
      this.#onUnkept();
    }
  }

  blob(): Blob {
    return new Blob(this.#pieces);
  }
}
