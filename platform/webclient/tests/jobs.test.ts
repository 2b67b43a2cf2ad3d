import { expect, test, vi } from "vitest";

import type { JobsEvent } from "../src/model/jobs-feed";
import { type Feed, Jobs, originalOf, percentOf, previewOf } from "../src/viewmodel/jobs";
import { job, refused } from "./fakes";

function setUp(api: Partial<Record<"job" | "cancelJob" | "retryJob", () => Promise<never>>> = {}) {
  let tell!: (event: JobsEvent) => void;
  const ended = vi.fn();
  const feed: Feed = {
    start: vi.fn(),
    stop: vi.fn(),
    wake: vi.fn(),
    learn: (heard) => tell({ type: "job", job: heard }),
  };
  const jobs = new Jobs(
    (listener) => {
      tell = listener;
      return feed;
    },
    { job: vi.fn(), cancelJob: vi.fn(), retryJob: vi.fn(), ...api },
    ended,
    vi.fn(),
  );
  return { jobs, feed, ended, tell: (event: JobsEvent) => tell(event) };
}

test("progress never runs backwards within one attempt", () => {
  const { jobs, tell } = setUp();

  tell({ type: "job", job: job({ progress: 0.6 }) });
  tell({ type: "job", job: job({ progress: 0.4 }) });

  expect(jobs.byId.value["job"]?.progress).toBe(0.6);
});

test("a second attempt starts from the beginning", () => {
  const { jobs, tell } = setUp();

  tell({ type: "job", job: job({ progress: 0.6 }) });
  tell({ type: "job", job: job({ progress: 0.1, attempts: 2 }) });

  expect(jobs.byId.value["job"]?.progress).toBe(0.1);
});

test("the end of a job is told once", () => {
  const { ended, tell } = setUp();

  tell({ type: "job", job: job() });
  tell({ type: "job", job: job({ state: "succeeded", result: { clip_id: "painted" } }) });
  tell({ type: "snapshot", jobs: [job({ state: "succeeded", result: { clip_id: "painted" } })] });

  expect(ended).toHaveBeenCalledTimes(1);
});

test("a job that had ended before we looked is no news", () => {
  const { ended, tell } = setUp();

  tell({ type: "snapshot", jobs: [job({ state: "succeeded" })] });

  expect(ended).not.toHaveBeenCalled();
});

test("a failed job follows until it is waved away", () => {
  const { jobs, tell } = setUp();
  tell({ type: "job", job: job({ state: "failed" }) });
  expect(jobs.following.value).toHaveLength(1);

  jobs.hide("job");

  expect(jobs.following.value).toHaveLength(0);
});

test("a refused cancel is said and the job stays as it was", async () => {
  const { jobs, tell } = setUp({ cancelJob: () => Promise.reject(refused(409, "too_late")) });
  tell({ type: "job", job: job() });

  await jobs.cancel("job");

  expect(jobs.problems.value["job"]?.code).toBe("too_late");
  expect(jobs.active.value).toHaveLength(1);
});

test("logging out forgets somebody's jobs", () => {
  const { jobs, feed, tell } = setUp();
  tell({ type: "job", job: job() });

  jobs.stop();

  expect(feed.stop).toHaveBeenCalled();
  expect(jobs.following.value).toEqual([]);
});

test("a job says 100 percent only when it is done", () => {
  expect(percentOf(job({ progress: 1 }))).toBe(99);
  expect(percentOf(job({ state: "succeeded", progress: 1 }))).toBe(100);
});

test("only a painting has an original to look at while it waits", () => {
  expect(originalOf(job({ subject: { clip_id: "swan" } }))).toBe("/media/clips/swan/poster.jpg");
  expect(originalOf(job({ kind: "ingest", subject: { upload_id: "up" } }))).toBeNull();
});

test("a painted frame has an address of its own, and only while it is painted", () => {
  const painting = job({ has_preview: true, frames_done: 7 });

  expect(previewOf(painting)).toContain("frame=7");
  expect(previewOf(job({ has_preview: true, frames_done: 8 }))).not.toBe(previewOf(painting));
  expect(previewOf(job({ has_preview: true, state: "succeeded" }))).toBeNull();
});
