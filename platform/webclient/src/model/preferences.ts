/** Small choices of this browser (theme, language, sound), kept in a Web Storage that may be missing or full. */
export class Preferences {
  readonly #storage: Pick<Storage, "getItem" | "setItem"> | null;

  constructor(storage: Pick<Storage, "getItem" | "setItem"> | null) {
    this.#storage = storage;
  }

  read<T>(name: string, allowed: readonly T[], fallback: T): T {
    try {
      const value = JSON.parse(this.#storage?.getItem(`impasto.${name}`) ?? "null") as T;
      return allowed.includes(value) ? value : fallback;
    } catch {
      return fallback;
    }
  }

  write(name: string, value: unknown): void {
    try {
      this.#storage?.setItem(`impasto.${name}`, JSON.stringify(value));
    } catch {
      // The choice holds until the page is closed.
    }
  }
}
