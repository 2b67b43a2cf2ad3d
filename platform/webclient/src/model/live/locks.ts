const PREFIX = "impasto-film-";

/**
 * Whose a recording is, among the tabs of one browser: only one of them may record, look at or throw away a film.
 *
 * The browser itself lets go of what a tab holds when that is closed, reloaded or crashes.
 */
export class FilmLocks {
  readonly #manager: LockManager | null;
  readonly #releases = new Map<string, () => void>();

  /** @param manager null where the browser has no locks, or the page is not secure: then everything may be taken */
  constructor(manager: LockManager | null) {
    this.#manager = manager;
  }

  /** Hold a film until it is released. @returns false where another tab holds it */
  async claim(film: string): Promise<boolean> {
    if (!this.#manager || this.#releases.has(film)) return true;
    const manager = this.#manager;
    return await new Promise((resolve) => {
      const hold = (lock: Lock | null) => {
        resolve(lock !== null);
        return lock && new Promise<void>((release) => this.#releases.set(film, release));
      };
      // Locks that are refused as such are as good as missing.
      manager.request(PREFIX + film, { ifAvailable: true }, hold).catch(() => resolve(true));
    });
  }

  release(film: string) {
    this.#releases.get(film)?.();
    this.#releases.delete(film);
  }

  /** The films that some tab holds, this one too. Asking takes none of them, not even for a moment. */
  async held(): Promise<ReadonlySet<string>> {
    try {
      const { held = [] } = (await this.#manager?.query()) ?? {};
      const names = held.map(({ name }) => name ?? "").filter((name) => name.startsWith(PREFIX));
      return new Set(names.map((name) => name.slice(PREFIX.length)));
    } catch {
      return new Set();
    }
  }
}
