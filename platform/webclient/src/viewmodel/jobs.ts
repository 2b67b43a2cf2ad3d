import { batch, computed, createModel, type ReadonlySignal, signal } from "@preact/signals";

import { type Api, jobPreviewUrl, posterUrl } from "../model/api";
import type { JobsEvent } from "../model/jobs-feed";
import { asProblem, type Problem } from "../model/problem";
import type { Job } from "../model/types";

export const isActive = (job: Job) => job.state === "queued" || job.state === "running";

/** Progress never runs backwards within one attempt, whatever order messages arrive in. */
export function mergeJob(known: Job | undefined, heard: Job): Job {
  if (!known || known.attempts !== heard.attempts || !isActive(known)) return heard;
  return { ...heard, progress: Math.max(known.progress, heard.progress) };
}

/** What the model's JobsFeed offers us. */
export interface Feed {
  start(): void;
  stop(): void;
  wake(): void;
  learn(job: Job): void;
}

/** All jobs of this person that matter now, kept fresh by the socket and by polling. */
export const Jobs = createModel(
  (
    openFeed: (listener: (event: JobsEvent) => void) => Feed,
    api: Pick<Api, "job" | "cancelJob" | "retryJob">,
    onEnded: (job: Job) => void,
    onRefused: () => void,
  ) => {
    const byId = signal<Readonly<Record<string, Job>>>({});
    const live = signal(false);
    const hidden = signal<ReadonlySet<string>>(new Set());
    const problems = signal<Readonly<Record<string, Problem>>>({});

    function put(heard: Job) {
      const known = byId.value[heard.id];
      const merged = mergeJob(known, heard);
      byId.value = { ...byId.value, [heard.id]: merged };
      if (known && isActive(known) && !isActive(merged)) onEnded(merged);
    }

    const feed = openFeed((event) =>
      batch(() => {
        if (event.type === "link") live.value = event.live;
        else if (event.type === "job") put(event.job);
        else if (event.type === "refused") onRefused();
        else for (const job of event.jobs) put(job);
      }),
    );

    async function ask(id: string, request: (id: string) => Promise<Job>) {
      try {
        feed.learn(await request(id));
        const { [id]: _settled, ...others } = problems.value;
        problems.value = others;
      } catch (error) {
        problems.value = { ...problems.value, [id]: asProblem(error) };
      }
    }

    return {
      byId: byId as ReadonlySignal<Readonly<Record<string, Job>>>,
      live: live as ReadonlySignal<boolean>,
      problems: problems as ReadonlySignal<Readonly<Record<string, Problem>>>,
      active: computed(() =>
        Object.values(byId.value)
          .filter(isActive)
          .toSorted((a, b) => a.created_at.localeCompare(b.created_at)),
      ),
      /** What the card that follows you shows: active ones, and failures until they are waved away. */
      following: computed(() =>
        Object.values(byId.value)
          .filter((job) => !hidden.value.has(job.id) && (isActive(job) || job.state === "failed"))
          .toSorted((a, b) => b.created_at.localeCompare(a.created_at)),
      ),
      start: () => feed.start(),
      stop() {
        feed.stop();
        batch(() => {
          byId.value = {};
          live.value = false;
        });
      },
      wake: () => feed.wake(),
      learn: (job: Job) => feed.learn(job),
      load: (id: string) => ask(id, api.job),
      cancel: (id: string) => ask(id, api.cancelJob),
      retry: (id: string) => ask(id, api.retryJob),
      hide(id: string) {
        hidden.value = new Set([...hidden.value, id]);
      },
    };
  },
);

export type JobsModel = InstanceType<typeof Jobs>;

/** The address of the newest painted frame; it changes with each one, so that the browser asks again. */
export const previewOf = (job: Job): string | null =>
  job.has_preview && job.state === "running" ? jobPreviewUrl(job) : null;

/** A picture of what is being painted, to look at until the first painted frame is there. */
export const originalOf = (job: Job): string | null =>
  job.kind === "restyle" && job.subject.clip_id ? posterUrl(job.subject.clip_id) : null;

/** 0..100, never 100 before the end. */
export const percentOf = (job: Job): number =>
  job.state === "succeeded" ? 100 : Math.min(99, Math.floor(job.progress * 100));
