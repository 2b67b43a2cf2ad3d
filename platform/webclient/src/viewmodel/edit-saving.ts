import { batch, type ReadonlySignal, signal } from "@preact/signals";

import type { Api } from "../model/api";
import { fingerprint } from "../model/edit-list";
import { asProblem, type Problem } from "../model/problem";
import type { EditList, Project } from "../model/types";

export type SavingPhase = "saved" | "unsaved" | "saving" | "offline" | "failed" | "conflict";

const REST = 600;
const FIRST_WAIT = 3000;
const LONGEST_WAIT = 30_000;

interface Words {
  title: string;
  edit: EditList;
}

export interface SavingPorts {
  api: Pick<Api, "project" | "saveProject">;
  setTimeout: (run: () => void, milliseconds: number) => unknown;
  clearTimeout: (timer: never) => void;
}

export interface Saving {
  phase: ReadonlySignal<SavingPhase>;
  problem: ReadonlySignal<Problem | null>;
  revision: ReadonlySignal<number>;
  /** What somebody else, or another tab, saved meanwhile */
  theirs: ReadonlySignal<Project | null>;
  /** The server has this revision of it, and it is what is shown. */
  adopt(revision: number): void;
  conflict(theirs: Project): void;
  /** Something changed. */
  touch(): void;
  /** Save now; resolves when nothing is left to save, or it cannot be. */
  flush(leaving?: boolean): Promise<void>;
  stop(): void;
}

/** One PUT in flight, the newest list next; what cannot be sent waits and is tried again. */
export function createSaving(
  ports: SavingPorts,
  projectId: string,
  current: () => Words,
  saved: () => void,
): Saving {
  const phase = signal<SavingPhase>("saved");
  const problem = signal<Problem | null>(null);
  const revision = signal(0);
  const theirs = signal<Project | null>(null);
  let timer: unknown = null;
  let running: Promise<void> | null = null;
  let wait = FIRST_WAIT;
  let stopped = false;

  function later(milliseconds: number) {
    ports.clearTimeout(timer as never);
    if (!stopped) timer = ports.setTimeout(() => void send(), milliseconds);
  }

  function send(leaving = false): Promise<void> {
    ports.clearTimeout(timer as never);
    if (phase.peek() === "saved" || phase.peek() === "conflict") return running ?? Promise.resolve();
    running ??= once(leaving).finally(() => (running = null));
    return running;
  }

  async function once(leaving: boolean) {
    const sent = current();
    phase.value = "saving";
    try {
      landed((await ports.api.saveProject(projectId, sent, revision.peek(), leaving)).revision, sent);
    } catch (error) {
      await refused(asProblem(error), sent);
    }
  }

  function landed(newest: number, sent: Words) {
    wait = FIRST_WAIT;
    const now = current();
    const isAll = now.edit === sent.edit && now.title === sent.title;
    batch(() => {
      revision.value = newest;
      problem.value = null;
      phase.value = isAll ? "saved" : "unsaved";
    });
    saved();
    if (!isAll) later(0);
  }

  async function refused(reason: Problem, sent: Words) {
    if (reason.status === 412) return await compare(sent);
    batch(() => {
      problem.value = reason;
      phase.value = reason.passing ? "offline" : "failed";
    });
    if (!reason.passing) return;
    later(wait);
    wait = Math.min(LONGEST_WAIT, wait * 2);
  }

  /** A first try may have arrived although its answer was lost: then the newest is what we sent. */
  async function compare(sent: Words) {
    try {
      const newest = await ports.api.project(projectId);
      if (newest.title === sent.title && fingerprint(newest.edit) === fingerprint(sent.edit)) {
        return landed(newest.revision, sent);
      }
      batch(() => {
        theirs.value = newest;
        phase.value = "conflict";
      });
    } catch (error) {
      await refused(asProblem(error), sent);
    }
  }

  return {
    phase,
    problem,
    revision,
    theirs,
    adopt(newest) {
      ports.clearTimeout(timer as never);
      batch(() => {
        revision.value = newest;
        theirs.value = null;
        problem.value = null;
        phase.value = "saved";
      });
    },
    conflict(newest) {
      batch(() => {
        theirs.value = newest;
        phase.value = "conflict";
      });
    },
    touch() {
      if (phase.peek() === "conflict") return;
      if (phase.peek() !== "saving") phase.value = "unsaved";
      if (!running) later(REST);
    },
    async flush(leaving = false) {
      await send(leaving);
      if (phase.peek() === "unsaved") await send(leaving);
    },
    stop() {
      stopped = true;
      ports.clearTimeout(timer as never);
    },
  };
}
