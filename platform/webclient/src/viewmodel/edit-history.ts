import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";

import { emptyEdit } from "../model/edit-list";
import type { EditList } from "../model/types";

const MOST_STEPS = 100;
/** Changes of the same kind within this time are one step: a slider that moves, a word that is typed. */
const ONE_STEP = 1200;

export interface History {
  list: ReadonlySignal<EditList>;
  canUndo: ReadonlySignal<boolean>;
  canRedo: ReadonlySignal<boolean>;
  /** Begin anew with a list and the steps around it. */
  reset(list: EditList, past?: readonly EditList[], future?: readonly EditList[]): void;
  /** A step. Steps in a row with the same `kind` become one. */
  put(next: EditList, kind?: string): void;
  undo(): void;
  redo(): void;
  /** From here until `release` everything is one step, each change made from the list as it is now. */
  grab(): void;
  drag(change: (from: EditList) => EditList): void;
  release(): void;
  steps(): { past: EditList[]; future: EditList[] };
}

export function createHistory(now: () => number, changed: () => void): History {
  const list = signal<EditList>(emptyEdit());
  const past = signal<readonly EditList[]>([]);
  const future = signal<readonly EditList[]>([]);
  let last = { kind: "", at: 0 };
  let held: { from: EditList; moved: boolean } | null = null;

  function show(next: EditList, before: readonly EditList[], after: readonly EditList[]) {
    batch(() => {
      list.value = next;
      past.value = before.slice(-MOST_STEPS);
      future.value = after;
    });
  }

  function put(next: EditList, kind: string = "") {
    const here = list.peek();
    if (next === here) return;
    const sameStep = kind !== "" && kind === last.kind && now() - last.at < ONE_STEP;
    last = { kind, at: now() };
    show(next, sameStep ? past.peek() : [...past.peek(), here], []);
    changed();
  }

  function walk(from: readonly EditList[], next: EditList | undefined, isBack: boolean) {
    if (!next || held) return;
    const here = list.peek();
    last = { kind: "", at: 0 };
    if (isBack) show(next, from.slice(0, -1), [here, ...future.peek()]);
    else show(next, [...past.peek(), here], from.slice(1));
    changed();
  }

  return {
    list,
    canUndo: computed(() => past.value.length > 0),
    canRedo: computed(() => future.value.length > 0),
    reset(next, before = [], after = []) {
      held = null;
      last = { kind: "", at: 0 };
      show(next, before, after);
    },
    put,
    undo: () => walk(past.peek(), past.peek().at(-1), true),
    redo: () => walk(future.peek(), future.peek()[0], false),
    grab() {
      held = { from: list.peek(), moved: false };
    },
    drag(change) {
      if (!held) return;
      const next = change(held.from);
      if (next === list.peek()) return;
      const before = held.moved ? past.peek() : [...past.peek(), held.from];
      held.moved = true;
      show(next, before, []);
      changed();
    },
    release() {
      held = null;
      last = { kind: "", at: 0 };
    },
    steps: () => ({ past: [...past.peek()], future: [...future.peek()] }),
  };
}
