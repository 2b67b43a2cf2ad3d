import { createModel, type ReadonlySignal, signal } from "@preact/signals";

import type { Api } from "../model/api";
import { asProblem, type Problem } from "../model/problem";
import type { Project, ProjectBrief, SoundBrief, SoundEdit } from "../model/types";
import { createListing } from "./listing";

/** Begin an edit, with a clip, a sound or nothing. Asked twice for the same it is one edit. */
export const NewEdit = createModel((api: Pick<Api, "createProject">, newKey: () => string) => {
  const phase = signal<"idle" | "sending">("idle");
  const problem = signal<Problem | null>(null);
  let order: { body: string; key: string } | null = null;

  async function create(
    fields: { clip_id?: string; title?: string; edit?: SoundEdit } = {},
  ): Promise<Project | null> {
    if (phase.peek() === "sending") return null;
    const body = JSON.stringify(fields);
    if (order?.body !== body) order = { body, key: newKey() };
    phase.value = "sending";
    problem.value = null;
    try {
      const created = await api.createProject(fields, order.key);
      order = null;
      return created;
    } catch (error) {
      problem.value = asProblem(error);
      return null;
    } finally {
      phase.value = "idle";
    }
  }

  return {
    phase: phase as ReadonlySignal<"idle" | "sending">,
    problem: problem as ReadonlySignal<Problem | null>,
    create,
    /** It steps back under other sound, as music does that is chosen on the bench. */
    createWithSound: ({ id, title }: SoundBrief) =>
      create({ title, edit: { version: 1, music: { track: id, ducking: 0.5 } } }),
  };
});

/** One's edits, the newest change first. */
export const MyProjects = createModel(
  (
    api: Pick<Api, "projects" | "next" | "duplicateProject" | "deleteProject">,
    forget: (id: string) => void,
  ) => {
    const projects = createListing<ProjectBrief>({
      first: api.projects,
      next: api.next,
      idOf: (project) => project.id,
    });
    const problem = signal<Problem | null>(null);
    const busy = signal<string | null>(null);

    async function during(id: string, run: () => Promise<void>) {
      if (busy.peek() !== null) return;
      busy.value = id;
      problem.value = null;
      try {
        await run();
      } catch (error) {
        problem.value = asProblem(error);
      } finally {
        busy.value = null;
      }
    }

    return {
      projects,
      problem: problem as ReadonlySignal<Problem | null>,
      /** The one that is being copied or deleted */
      busy: busy as ReadonlySignal<string | null>,
      load: projects.load,
      duplicate: (id: string) => during(id, async () => projects.prepend(await api.duplicateProject(id))),
      remove: (id: string) =>
        during(id, async () => {
          await api.deleteProject(id);
          forget(id);
          projects.remove(id);
        }),
    };
  },
);
