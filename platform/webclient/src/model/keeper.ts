import { answerOf, stored } from "./database";

export interface KeptFile {
  key: string;
  owner: string;
  file: File;
  keptAt: number;
}

/** Keeps files across a reload. Every method works or quietly keeps nothing: an upload never fails because of it. */
export interface Keeper {
  keep(entry: KeptFile): Promise<void>;
  all(owner: string): Promise<KeptFile[]>;
  forget(key: string): Promise<void>;
}

const STORE = "files";
const DAY = 24 * 3600 * 1000;

/** The browser stores a File in IndexedDB by value, so it can be read again after a reload without asking. */
export class IndexedDbKeeper implements Keeper {
  readonly #factory: IDBFactory;
  #database: Promise<IDBDatabase> | null = null;

  constructor(factory: IDBFactory) {
    this.#factory = factory;
  }

  async keep(entry: KeptFile): Promise<void> {
    try {
      await this.#change((store) => store.put(entry));
    } catch {
      // No room or private browsing: choosing the same file again still goes on where it stopped.
    }
  }

  async all(owner: string): Promise<KeptFile[]> {
    try {
      const store = (await this.#open()).transaction(STORE).objectStore(STORE);
      const entries = (await answerOf(store.getAll())) as KeptFile[];
      // The server forgets an unfinished upload after a day.
      const stale = entries.filter((entry) => Date.now() - entry.keptAt > DAY);
      await Promise.all(stale.map((entry) => this.forget(entry.key)));
      return entries
        .filter((entry) => entry.owner === owner && !stale.includes(entry))
        .toSorted((a, b) => b.keptAt - a.keptAt);
    } catch {
      return [];
    }
  }

  async forget(key: string): Promise<void> {
    try {
      await this.#change((store) => store.delete(key));
    } catch {
      // Nothing was kept.
    }
  }

  async #change(work: (store: IDBObjectStore) => void): Promise<void> {
    const transaction = (await this.#open()).transaction(STORE, "readwrite");
    const done = stored(transaction);
    work(transaction.objectStore(STORE));
    await done;
  }

  #open(): Promise<IDBDatabase> {
    this.#database ??= open(this.#factory);
    return this.#database;
  }
}

function open(factory: IDBFactory): Promise<IDBDatabase> {
  const request = factory.open("impasto-uploads", 1);
  request.addEventListener("upgradeneeded", () =>
    request.result.createObjectStore(STORE, { keyPath: "key" }),
  );
  return answerOf(request);
}
