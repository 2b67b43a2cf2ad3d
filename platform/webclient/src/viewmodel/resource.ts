import { batch, type ReadonlySignal, signal } from "@preact/signals";

import { asProblem, type Problem } from "../model/problem";

export interface Resource<T> {
  value: ReadonlySignal<T | null>;
  phase: ReadonlySignal<"loading" | "ready" | "failed">;
  problem: ReadonlySignal<Problem | null>;
  load(): Promise<void>;
  set(value: T): void;
}

/** One thing that a screen loads first; the last `load` wins. */
export function createResource<T>(fetchIt: () => Promise<T>): Resource<T> {
  const value = signal<T | null>(null);
  const phase = signal<"loading" | "ready" | "failed">("loading");
  const problem = signal<Problem | null>(null);
  let round = 0;

  return {
    value,
    phase,
    problem,
    async load() {
      const mine = ++round;
      phase.value = "loading";
      try {
        const loaded = await fetchIt();
        if (mine !== round) return;
        batch(() => {
          value.value = loaded;
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
    set(next) {
      batch(() => {
        value.value = next;
        phase.value = "ready";
      });
    },
  };
}
