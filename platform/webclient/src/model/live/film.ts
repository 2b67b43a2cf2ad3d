/** Films as they grow, kept in the browser's own storage so that a reload does not lose them. */

import { answerOf, stored } from "../database";

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
  /** Films of which nothing more is kept: without an entry nobody would find it. */
  readonly #gone = new Set<string>();
  #database: Promise<IDBDatabase> | null = null;

  constructor(factory: IDBFactory) {
    this.#factory = factory;
  }

  /**
   * A film that cannot be begun keeps nothing, and what was kept of it before goes.
   *
   * @throws DOMException where there is no room, or storage is forbidden; so do all others
   */
  async begin(entry: FilmEntry): Promise<void> {
    try {
      await this.#change([FILMS], (store) => store(FILMS).put(entry));
    } catch (error) {
      await this.forget(entry.id).catch(() => undefined);
      throw error;
    }
  }

  /** @throws Error where the film was forgotten, or could not be begun */
  async append(film: string, track: FilmTrack, index: number, bytes: Blob): Promise<void> {
    const piece: Piece = { film, track, index, bytes: await bytes.arrayBuffer() };
    if (this.#gone.has(film)) throw new Error("there is no such film");
    await this.#change([PIECES], (store) => store(PIECES).put(piece));
  }

  /** Films that were begun and neither used nor thrown away, newest first. */
  async unfinished(): Promise<FilmEntry[]> {
    const films = (await answerOf(
      (await this.#open()).transaction(FILMS).objectStore(FILMS).getAll(),
    )) as FilmEntry[];
    return films.toSorted((a, b) => b.startedAt - a.startedAt);
  }

  /** As much of a track as had been written; empty where there was none. */
  async read(film: string, track: FilmTrack): Promise<Blob> {
    const store = (await this.#open()).transaction(PIECES).objectStore(PIECES);
    const pieces = (await answerOf(store.getAll(range(film, track)))) as Piece[];
    return new Blob(pieces.map(({ bytes }) => bytes));
  }

  /** All of it goes or nothing does, whenever the page may be closed. */
  async forget(film: string): Promise<void> {
    this.#gone.add(film);
    await this.#change([FILMS, PIECES], (store) => {
      store(FILMS).delete(film);
      for (const track of ["painted", "raw"] as const) store(PIECES).delete(range(film, track));
    });
  }

  async #change(names: string[], work: (store: (name: string) => IDBObjectStore) => void): Promise<void> {
    const transaction = (await this.#open()).transaction(names, "readwrite");
    const done = stored(transaction);
    work((name) => transaction.objectStore(name));
    await done;
  }

  #open(): Promise<IDBDatabase> {
    this.#database ??= open(this.#factory);
    return this.#database;
  }
}

function open(factory: IDBFactory): Promise<IDBDatabase> {
  const request = factory.open("impasto-films", 1);
  request.addEventListener("upgradeneeded", () => {
    request.result.createObjectStore(FILMS, { keyPath: "id" });
    request.result.createObjectStore(PIECES, { keyPath: ["film", "track", "index"] });
  });
  return answerOf(request);
}

const range = (film: string, track: FilmTrack) =>
  IDBKeyRange.bound([film, track, 0], [film, track, Number.MAX_SAFE_INTEGER]);

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
