import { batch, computed, createModel, effect, type ReadonlySignal, signal } from "@preact/signals";

import type { Api } from "../model/api";
import type { KeptFile } from "../model/keeper";
import { asProblem, Problem } from "../model/problem";
import type { UploadEvents, UploadHandle } from "../model/uploads";
import type { Job } from "../model/types";
import type { JobsModel } from "./jobs";

export type UploadPhase = "idle" | "sending" | "waiting" | "paused" | "checking" | "failed";

export interface UploadPorts {
  uploads: {
    unfinished(owner: string): Promise<KeptFile[]>;
    forget(key: string): Promise<void>;
    start(file: File, owner: string, events: UploadEvents): UploadHandle;
  };
  api: Pick<Api, "upload">;
  jobs: Pick<JobsModel, "byId" | "learn" | "load">;
  now: () => number;
}

/** Told once what became of a file: a clip, or nothing, and then whoever chose it has the only copy. */
export type Over = (isClip: boolean) => void;

const NOBODY: Over = () => undefined;
const MEDIA_TYPES = /^video\//;
const MEDIA_NAMES = /\.(mp4|m4v|mov|mkv|webm)$/i;

/** Refuse at once what the server would refuse after minutes of sending. The server decides; this only saves time. */
export function refusal(file: { name: string; type: string; size: number }, most: number): Problem | null {
  if (!MEDIA_TYPES.test(file.type) && !MEDIA_NAMES.test(file.name)) {
    return new Problem({ status: 415, code: "not_a_video" });
  }
  if (file.size === 0) return new Problem({ status: 400, code: "empty_file" });
  if (file.size > most) return new Problem({ status: 413, code: "file_too_large" });
  return null;
}

/** One upload at a time, wherever in the site one walks: the bytes, then the server's check, then a clip. */
export const UploadProgress = createModel((ports: UploadPorts, onClip: (clipId: string) => void) => {
  const phase = signal<UploadPhase>("idle");
  const name = signal("");
  const sent = signal(0);
  const total = signal(0);
  const bytesPerSecond = signal<number | null>(null);
  const jobId = signal<string | null>(null);
  const problem = signal<Problem | null>(null);
  let handle: UploadHandle | null = null;
  let file: File | null = null;
  let owner = "";
  let over = NOBODY;
  let mark = { at: 0, sent: 0 };

  const job = computed<Job | null>(() =>
    jobId.value === null ? null : (ports.jobs.byId.value[jobId.value] ?? null),
  );

  function measure(bytes: number) {
    const now = ports.now();
    if (mark.at === 0 || bytes < mark.sent) mark = { at: now, sent: bytes };
    const seconds = (now - mark.at) / 1000;
    if (seconds < 1) return;
    bytesPerSecond.value = (bytes - mark.sent) / seconds;
    if (seconds > 5) mark = { at: now, sent: bytes };
  }

  function tell(isClip: boolean) {
    const listener = over;
    over = NOBODY;
    listener(isClip);
  }

  function fail(reason: Problem) {
    if (!reason.passing) tell(false);
    batch(() => {
      problem.value = reason;
      phase.value = reason.passing ? "waiting" : "failed";
    });
  }

  function send() {
    if (!file) return;
    mark = { at: 0, sent: 0 };
    phase.value = "sending";
    handle = ports.uploads.start(file, owner, {
      progress(bytes, all) {
        measure(bytes);
        batch(() => {
          sent.value = bytes;
          total.value = all;
          phase.value = "sending";
        });
      },
      waiting() {
        batch(() => {
          bytesPerSecond.value = null;
          phase.value = "waiting";
        });
      },
      done: ({ uploadId, jobId: id }) => void arrived(uploadId, id),
      failed: fail,
    });
  }

  /** The answer to the last PATCH names the job; when that answer was lost, the upload itself does. */
  async function arrived(uploadId: string, id: string | null) {
    phase.value = "checking";
    try {
      const ingest = id ?? (await ports.api.upload(uploadId)).job?.id ?? null;
      if (ingest === null) throw new Problem({ status: 500, code: "upload_lost" });
      jobId.value = ingest;
      if (!ports.jobs.byId.value[ingest]) await ports.jobs.load(ingest);
    } catch (error) {
      fail(asProblem(error));
    }
  }

  function clear() {
    tell(false);
    handle = null;
    file = null;
    batch(() => {
      phase.value = "idle";
      jobId.value = null;
      problem.value = null;
      sent.value = 0;
      total.value = 0;
      bytesPerSecond.value = null;
    });
  }

  effect(() => {
    const ingest = job.value;
    if (!ingest || phase.peek() !== "checking") return;
    if (ingest.state === "succeeded" && ingest.result?.clip_id) {
      const clipId = ingest.result.clip_id;
      tell(true);
      clear();
      onClip(clipId);
    } else if (ingest.state === "failed") {
      const { code = "ingest_failed", title, detail } = ingest.error ?? {};
      fail(new Problem({ status: 422, code, title, detail }));
    } else if (ingest.state === "cancelled") clear();
  });

  return {
    phase: phase as ReadonlySignal<UploadPhase>,
    name: name as ReadonlySignal<string>,
    sent: sent as ReadonlySignal<number>,
    total: total as ReadonlySignal<number>,
    bytesPerSecond: bytesPerSecond as ReadonlySignal<number | null>,
    problem: problem as ReadonlySignal<Problem | null>,
    job,
    busy: computed(() => phase.value !== "idle" && phase.value !== "failed"),
    /** 0..1 of the bytes */
    share: computed(() => (total.value > 0 ? sent.value / total.value : 0)),
    secondsLeft: computed(() => {
      const speed = bytesPerSecond.value;
      return speed && speed > 0 ? (total.value - sent.value) / speed : null;
    }),

    choose(chosen: File, by: string, most: number, listener: Over = NOBODY) {
      over = listener;
      const refused = refusal(chosen, most);
      name.value = chosen.name;
      if (refused) return fail(refused);
      file = chosen;
      owner = by;
      batch(() => {
        problem.value = null;
        sent.value = 0;
        total.value = chosen.size;
      });
      send();
    },
    /** After a reload: go on with what was being sent. */
    async resume(by: string) {
      if (phase.value !== "idle") return;
      const [kept] = await ports.uploads.unfinished(by);
      if (!kept || phase.value !== "idle") return;
      file = kept.file;
      owner = by;
      name.value = kept.file.name;
      total.value = kept.file.size;
      send();
    },
    /** After a reload: the bytes had arrived and the server is checking them. */
    adopt(ingest: Job) {
      if (phase.value !== "idle") return;
      batch(() => {
        jobId.value = ingest.id;
        name.value = "";
        phase.value = "checking";
      });
      const uploadId = ingest.subject.upload_id;
      if (!uploadId) return;
      // The name is only a comfort.
      ports.api.upload(uploadId).then(
        ({ filename }) => (name.value = filename),
        () => undefined,
      );
    },
    async pause() {
      phase.value = "paused";
      await handle?.pause();
    },
    /** Go on now, from the byte that the server has. */
    async goOn() {
      if (phase.value !== "paused" && phase.value !== "waiting") return;
      await handle?.pause();
      send();
    },
    async cancel() {
      const running = handle;
      clear();
      await running?.cancel();
    },
    dismiss: clear,
  };
});

export type UploadModel = InstanceType<typeof UploadProgress>;
