import { signal } from "@preact/signals";
import { expect, test, vi } from "vitest";

import type { KeptFile } from "../src/model/keeper";
import { Problem } from "../src/model/problem";
import type { Job, UploadState } from "../src/model/types";
import type { UploadEvents } from "../src/model/uploads";
import { refusal, UploadProgress } from "../src/viewmodel/upload";
import { job, refused, settle } from "./fakes";

const swan = (change: Partial<File> = {}) =>
  ({ name: "swan.mp4", type: "video/mp4", size: 1000, ...change }) as File;

function setUp({ kept = [] as KeptFile[], upload = {} as Partial<UploadState> } = {}) {
  const started: { file: File; owner: string; events: UploadEvents }[] = [];
  const handle = { pause: vi.fn(() => Promise.resolve()), cancel: vi.fn(() => Promise.resolve()) };
  const byId = signal<Record<string, Job>>({});
  const arrived = vi.fn();
  const model = new UploadProgress(
    {
      uploads: {
        unfinished: () => Promise.resolve(kept),
        forget: () => Promise.resolve(),
        start: (file, owner, events) => {
          started.push({ file, owner, events });
          return handle;
        },
      },
      api: { upload: () => Promise.resolve(upload as UploadState) },
      jobs: {
        byId,
        learn: () => undefined,
        load: (id) => {
          byId.value = { ...byId.value, [id]: job({ id, kind: "ingest" }) };
          return Promise.resolve();
        },
      },
      now: () => 0,
    },
    arrived,
  );
  return { model, started, handle, byId, arrived };
}

test("what the server would refuse is refused before a byte is sent", () => {
  const { model, started } = setUp();

  model.choose(swan({ name: "notes.txt", type: "text/plain" }), "ada", 5000);
  expect(model.problem.value?.code).toBe("not_a_video");

  model.choose(swan({ size: 6000 }), "ada", 5000);
  expect(model.problem.value?.code).toBe("file_too_large");
  expect(model.phase.value).toBe("failed");
  expect(started).toHaveLength(0);
});

test("a video with an empty type is known by its name", () => {
  expect(refusal({ name: "holiday.MKV", type: "", size: 1 }, 5000)).toBeNull();
});

test("bytes, then the server's check, then the clip", async () => {
  const { model, started, byId, arrived } = setUp();
  model.choose(swan(), "ada", 5000);
  const { events } = started[0]!;

  events.progress(500, 1000);
  expect(model.share.value).toBe(0.5);

  events.done({ uploadId: "up", jobId: "ingest" });
  await settle();
  expect(model.phase.value).toBe("checking");

  byId.value = { ingest: job({ id: "ingest", state: "succeeded", result: { clip_id: "swan" } }) };
  expect(arrived).toHaveBeenCalledExactlyOnceWith("swan");
  expect(model.phase.value).toBe("idle");
});

test("when the last answer was lost the upload itself names its job", async () => {
  const { model, started } = setUp({ upload: { job: job({ id: "ingest" }) } });
  model.choose(swan(), "ada", 5000);

  started[0]!.events.done({ uploadId: "up", jobId: null });
  await settle();

  expect(model.job.value?.id).toBe("ingest");
});

test("a clip that the server refuses says why", async () => {
  const { model, started, byId } = setUp();
  model.choose(swan(), "ada", 5000);
  started[0]!.events.done({ uploadId: "up", jobId: "ingest" });
  await settle();

  const error = {
    code: "too_long",
    title: "The clip is too long",
    detail: "It runs 600 s; 60 s are allowed.",
  };
  byId.value = { ingest: job({ id: "ingest", state: "failed", error }) };

  expect(model.phase.value).toBe("failed");
  expect(model.problem.value).toMatchObject({ code: "too_long", detail: error.detail });
});

test("a cut connection waits and goes on with the same file", async () => {
  const { model, started } = setUp();
  model.choose(swan(), "ada", 5000);
  started[0]!.events.progress(400, 1000);

  started[0]!.events.failed(new Problem({ status: 0, code: "offline" }));
  expect(model.phase.value).toBe("waiting");
  await model.goOn();

  expect(model.phase.value).toBe("sending");
  expect(started.map(({ file }) => file.name)).toEqual(["swan.mp4", "swan.mp4"]);
});

test("after a reload the kept file goes on by itself", async () => {
  const { model, started } = setUp({ kept: [{ key: "k", owner: "ada", file: swan(), keptAt: 0 }] });

  await model.resume("ada");

  expect(started).toHaveLength(1);
  expect(model.name.value).toBe("swan.mp4");
  expect(model.phase.value).toBe("sending");
});

test("after a reload a clip that is being checked is picked up again", async () => {
  const { model, byId, arrived } = setUp({ upload: { filename: "swan.mp4" } });
  const ingest = job({ id: "ingest", kind: "ingest", subject: { upload_id: "up" } });
  byId.value = { ingest };

  model.adopt(ingest);
  await settle();
  expect(model.phase.value).toBe("checking");
  expect(model.name.value).toBe("swan.mp4");

  byId.value = { ingest: { ...ingest, state: "succeeded", result: { clip_id: "swan" } } };
  expect(arrived).toHaveBeenCalledWith("swan");
});

test("a refused upload is no waiting one", () => {
  const { model, started } = setUp();
  model.choose(swan(), "ada", 5000);

  started[0]!.events.failed(refused(413, "file_too_large"));

  expect(model.phase.value).toBe("failed");
});

test("cancelling leaves nothing behind", async () => {
  const { model, handle } = setUp();
  model.choose(swan(), "ada", 5000);

  await model.cancel();

  expect(handle.cancel).toHaveBeenCalled();
  expect(model.phase.value).toBe("idle");
});

test("a paused upload goes on only when told to", async () => {
  const { model, started, handle } = setUp();
  model.choose(swan(), "ada", 5000);

  await model.pause();
  expect(handle.pause).toHaveBeenCalled();
  expect(model.phase.value).toBe("paused");
  expect(started).toHaveLength(1);

  await model.goOn();
  expect(started).toHaveLength(2);
});
