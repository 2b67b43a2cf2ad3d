import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";

import { asProblem, type Problem } from "../model/problem";
import type { Page } from "../model/types";

export type ListingPhase = "loading" | "ready" | "failed";

export interface Listing<T> {
  items: ReadonlySignal<readonly T[]>;
  phase: ReadonlySignal<ListingPhase>;
  problem: ReadonlySignal<Problem | null>;
  empty: ReadonlySignal<boolean>;
  hasMore: ReadonlySignal<boolean>;
  growing: ReadonlySignal<boolean>;
  load(): Promise<void>;
  more(): Promise<void>;
  change(id: string, change: (item: T) => T): void;
  prepend(item: T): void;
  remove(id: string): void;
}

export interface ListingPorts<T> {
  first: () => Promise<Page<T>>;
  next: (url: string) => Promise<Page<T>>;
  idOf: (item: T) => string;
}

/** A cursor-paginated list: load it, grow it, retry it, and keep it right while its items change. */
export function createListing<T>({ first, next, idOf }: ListingPorts<T>): Listing<T> {
  const items = signal<readonly T[]>([]);
  const phase = signal<ListingPhase>("loading");
  const problem = signal<Problem | null>(null);
  const nextUrl = signal<string | null>(null);
  const growing = signal(false);
  let round = 0;

  function add(page: Page<T>, before: readonly T[]) {
    const known = new Set(before.map(idOf));
    items.value = [...before, ...page.results.filter((item) => !known.has(idOf(item)))];
    nextUrl.value = page.next;
  }

  return {
    items,
    phase,
    problem,
    growing,
    empty: computed(() => phase.value === "ready" && items.value.length === 0),
    hasMore: computed(() => nextUrl.value !== null),

    async load() {
      const mine = ++round;
      phase.value = "loading";
      try {
        const page = await first();
        if (mine !== round) return;
        batch(() => {
          add(page, []);
          phase.value = "ready";
        });
      } catch (error) {
        if (mine !== round) return;
        batch(() => {
          problem.value = asProblem(error);
          phase.value = "failed";
        });
      }
    },

    async more() {
      const url = nextUrl.value;
      if (url === null || growing.value) return;
      const mine = round;
      growing.value = true;
      try {
        const page = await next(url);
        if (mine === round) add(page, items.value);
      } catch (error) {
        // What is shown stays; reaching the end again asks again.
        problem.value = asProblem(error);
      } finally {
        growing.value = false;
      }
    },

    change(id, change) {
      items.value = items.value.map((item) => (idOf(item) === id ? change(item) : item));
    },
    prepend(item) {
      items.value = [item, ...items.value.filter((other) => idOf(other) !== idOf(item))];
    },
    remove(id) {
      items.value = items.value.filter((item) => idOf(item) !== id);
    },
  };
}
