import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { IndexedDbKeeper, type KeptFile } from "../src/model/keeper";
import { FilmStore, GrowingFilm } from "../src/model/live/film";

type Row = Record<string, unknown>;
type Range = [from: string, to: string];

/** A database whose requests all succeed, and whose disk decides afterwards whether the transaction does. */
class Disk {
  readonly rows = new Map<string, Map<string, Row>>();
  /** Which stores take nothing more. */
  full: string[] = [];
  /** After how many changes the browser is killed. */
  left = Infinity;

  factory = { open: () => fired({ transaction: this.#transaction }, "success") } as unknown as IDBFactory;

  keysOf = (store: string) => [...(this.rows.get(store)?.keys() ?? [])];

  #transaction = (names: string | string[], mode: IDBTransactionMode = "readonly") => {
    const work: (() => void)[] = [];
    const wrote: string[] = [];
    const target = new EventTarget();
    const error = new DOMException("", "QuotaExceededError");
    const store = (name: string) => {
      if (![names].flat().includes(name)) throw new DOMException("", "NotFoundError");
      const rows = this.rows.get(name) ?? new Map<string, Row>();
      this.rows.set(name, rows);
      return {
        put(row: Row) {
          wrote.push(name);
          work.push(() => rows.set(keyOf(row), row));
          return fired(undefined, "success");
        },
        delete(which: string | Range) {
          work.push(() => rows.forEach((_row, key) => isIn(key, which) && rows.delete(key)));
          return fired(undefined, "success");
        },
        getAll: () => fired([...rows.values()], "success"),
      };
    };
    if (mode === "readwrite") {
      setTimeout(() => {
        if (this.left-- <= 0) return;
        const isAborted = wrote.some((name) => this.full.includes(name));
        if (!isAborted) for (const one of work) one();
        target.dispatchEvent(new Event(isAborted ? "abort" : "complete"));
      });
    }
    return Object.assign(target, { objectStore: store, error });
  };
}

const keyOf = ({ id, key, film, track, index }: Row) => String(id ?? key ?? `${film}/${track}/${index}`);
const isIn = (key: string, which: string | Range) =>
  typeof which === "string" ? key === which : key >= which[0] && key <= which[1];

function fired<T>(result: T, name: string) {
  const request = Object.assign(new EventTarget(), { result });
  queueMicrotask(() => request.dispatchEvent(new Event(name)));
  return request;
}

const entry = { id: "film", startedAt: 1, types: {} };
const bytes = new Blob(["abc"]);

beforeEach(() => {
  vi.stubGlobal("IDBKeyRange", { bound: (from: unknown[], to: unknown[]) => [from.join("/"), to.join("/")] });
});
afterEach(() => vi.unstubAllGlobals());

describe("a store that turns out to be full when all was said to be well", () => {
  test("is noticed by the film that grows into it", async () => {
    const disk = new Disk();
    const unkept = vi.fn();
    const film = new GrowingFilm(new FilmStore(disk.factory), "film", "painted", unkept);
    await film.append(bytes);
    disk.full = ["pieces"];

    await film.append(bytes);

    expect(unkept).toHaveBeenCalledTimes(1);
    expect(disk.keysOf("pieces")).toEqual(["film/painted/0"]);
  });

  test("begins no film, and keeps no pieces that nobody would find", async () => {
    const disk = new Disk();
    const films = new FilmStore(disk.factory);
    const unkept = vi.fn();
    const film = new GrowingFilm(films, "film", "painted", unkept);
    await film.append(bytes);
    disk.full = ["films"];

    await expect(films.begin(entry)).rejects.toThrow(DOMException);
    await film.append(bytes);

    expect(unkept).toHaveBeenCalledTimes(1);
    expect(disk.keysOf("pieces")).toEqual([]);
  });

  test("keeps no file of an upload, and the upload goes on", async () => {
    const disk = new Disk();
    const keeper = new IndexedDbKeeper(disk.factory);
    disk.full = ["files"];

    await keeper.keep({ key: "one", owner: "mira", keptAt: Date.now() } as KeptFile);

    expect(await keeper.all("mira")).toEqual([]);
  });
});

test("a file of an upload is kept when it says so", async () => {
  const disk = new Disk();

  await new IndexedDbKeeper(disk.factory).keep({ key: "one", owner: "mira", keptAt: Date.now() } as KeptFile);

  expect(disk.keysOf("files")).toEqual(["one"]);
});

test("a browser that is killed while a film is thrown away leaves no pieces behind", async () => {
  const disk = new Disk();
  const films = new FilmStore(disk.factory);
  await films.begin(entry);
  await films.append("film", "painted", 0, bytes);
  disk.left = 1;

  void films.forget("film");
  await new Promise((resolve) => setTimeout(resolve, 10));

  expect([disk.keysOf("films"), disk.keysOf("pieces")]).toEqual([[], []]);
});

test("what comes of a film after it was thrown away is not kept", async () => {
  const disk = new Disk();
  const films = new FilmStore(disk.factory);
  await films.begin(entry);
  await films.forget("film");

  await expect(films.append("film", "painted", 1, bytes)).rejects.toThrow("no such film");

  expect(disk.keysOf("pieces")).toEqual([]);
});
