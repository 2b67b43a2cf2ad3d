import type { EditList } from "./types";

/** What this browser knows of an edit beyond the server: what is not saved yet, and the steps one can take back. */
export interface Draft {
  /** Of the server's list that this goes on from */
  revision: number;
  saved: boolean;
  title: string;
  edit: EditList;
  past: EditList[];
  future: EditList[];
  /** Jobs that paint a segment's clip, by segment */
  painting: Record<string, string>;
}

const PREFIX = "impasto.edit.";
/** Web Storage holds some 5 MB for all of a site. */
const MOST_LETTERS = 400_000;

/** Drafts in a Web Storage that may be missing or full: then there are fewer steps to take back, and the list still. */
export class Drafts {
  readonly #storage: Storage | null;

  constructor(storage: Storage | null) {
    this.#storage = storage;
  }

  read(projectId: string): Draft | null {
    try {
      const draft = JSON.parse(this.#storage?.getItem(PREFIX + projectId) ?? "null") as Draft | null;
      return draft?.edit?.version === 1 && Array.isArray(draft.past) ? draft : null;
    } catch {
      return null;
    }
  }

  write(projectId: string, draft: Draft): void {
    const name = PREFIX + projectId;
    const lean = { ...draft, past: [], future: [] };
    for (const text of [shortened(draft), JSON.stringify(lean)]) {
      if (this.#put(name, text)) return;
      this.#dropOthers(name);
      if (this.#put(name, text)) return;
    }
  }

  forget(projectId: string): void {
    try {
      this.#storage?.removeItem(PREFIX + projectId);
    } catch {
      // It is as good as gone: its revision will not match.
    }
  }

  #put(name: string, text: string): boolean {
    try {
      this.#storage?.setItem(name, text);
      return true;
    } catch {
      return false;
    }
  }

  /** Other edits' steps go first; what they have not saved stays. */
  #dropOthers(name: string): void {
    const storage = this.#storage;
    if (!storage) return;
    const others = Array.from({ length: storage.length }, (_, at) => storage.key(at) ?? "").filter(
      (other) => other.startsWith(PREFIX) && other !== name,
    );
    for (const other of others) {
      if (this.read(other.slice(PREFIX.length))?.saved !== false) storage.removeItem(other);
    }
  }
}

function shortened(draft: Draft): string {
  let { past, future } = draft;
  for (;;) {
    const text = JSON.stringify({ ...draft, past, future });
    if (text.length <= MOST_LETTERS || past.length + future.length === 0) return text;
    past = past.slice(Math.ceil(past.length / 2));
    future = future.slice(0, Math.floor(future.length / 2));
  }
}
