import { expect, test, vi } from "vitest";

import { emptyEdit, insertClip } from "../src/model/edit-list";
import { Drafts } from "../src/model/drafts";
import { offline } from "../src/model/problem";
import type { EditList, Job, Project, Sound } from "../src/model/types";
import { Edit } from "../src/viewmodel/edit";
import { signal } from "@preact/signals";
import { clip, Clock, deferred, job, page, project, refused, settle, sound } from "./fakes";

const swan = clip({ id: "swan", duration_seconds: 3, frame_count: 72 });
const boat = clip({ id: "boat", duration_seconds: 5, frame_count: 120 });
const lengthOf = (id: string) => (id === "swan" ? 3 : 5);
const both = () => insertClip(insertClip(emptyEdit(), swan, 0, lengthOf), boat, 1, lengthOf);

class Store {
  kept = new Map<string, string>();
  getItem = (name: string) => this.kept.get(name) ?? null;
  setItem = (name: string, text: string) => void this.kept.set(name, text);
  removeItem = (name: string) => void this.kept.delete(name);
  key = (at: number) => [...this.kept.keys()][at] ?? null;
  get length() {
    return this.kept.size;
  }
}

/** A server that keeps one project and refuses what does not go on from its revision. */
function setUp({ store = new Store(), edit = both() as EditList, revision = 1 } = {}) {
  const clock = new Clock();
  const server = { project: project({ edit, revision, clips: [swan, boat] }), puts: 0 };
  let keys = 0;
  const save = (
    _id: string,
    words: { title: string; edit: EditList },
    revision: number,
  ): Promise<Project> => {
    server.puts += 1;
    if (revision !== server.project.revision) return Promise.reject(refused(412, "edited_elsewhere"));
    server.project = { ...server.project, ...words, revision: revision + 1 };
    return Promise.resolve(server.project);
  };
  const api = {
    project: vi.fn(() => Promise.resolve(server.project)),
    saveProject: vi.fn(save),
    createProject: vi.fn((fields: object) => Promise.resolve({ ...server.project, ...fields, id: "copy" })),
    renderProject: vi.fn((_id: string, _title: string, _key: string) =>
      Promise.resolve(job({ id: "render", kind: "render", state: "queued" })),
    ),
    clip: vi.fn((id: string) => Promise.resolve(clip({ id, duration_seconds: 3 }))),
    clipPeaks: vi.fn(() => Promise.resolve({ per_second: 20, peaks: [0.1, 0.9] })),
    clips: vi.fn(() => Promise.resolve(page([swan]))),
    demoClips: vi.fn(() => Promise.resolve(page([boat]))),
    sounds: vi.fn(() => Promise.resolve(page<Sound>([]))),
    sound: vi.fn((id: string) => Promise.resolve(sound({ id }))),
    addSound: vi.fn(() => Promise.resolve(sound({ id: "voice", kind: "voice" }))),
    deleteSound: vi.fn(() => Promise.resolve()),
    next: vi.fn(),
  };
  const byId = signal<Readonly<Record<string, Job>>>({});
  const recorder = {
    start: vi.fn(() => Promise.resolve()),
    stop: vi.fn(() => Promise.resolve<File | null>(new File(["x"], "voice.webm"))),
  };
  const bench = new Edit(
    {
      api,
      drafts: new Drafts(store as never),
      jobs: {
        byId,
        learn: (heard: Job) => void (byId.value = { ...byId.value, [heard.id]: heard }),
        load: () => Promise.resolve(),
      },
      recorder,
      secondsMost: () => 60,
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout as never,
      now: clock.now,
      newKey: () => `key-${++keys}`,
    },
    "project",
  );
  return { bench, api, clock, server, store, byId, save, recorder };
}

async function ready(options: Parameters<typeof setUp>[0] = {}) {
  const things = setUp(options);
  await things.bench.load();
  await settle();
  return things;
}

const ids = (edit: EditList) => edit.segments.map(({ id }) => id);

test("a project opens saved, with the server's list", async () => {
  const { bench } = await ready();

  expect(ids(bench.list.value)).toEqual(["s1", "s2"]);
  expect(bench.savingPhase.value).toBe("saved");
  expect(bench.timeline.value.frames).toBe(240);
});

test("a clip with sound is listened to once, and one without never", async () => {
  const { bench, api } = await ready();
  const loud = Object.values(bench.clips.value).filter(({ has_audio }) => has_audio);

  await bench.load();
  await settle();

  expect(api.clipPeaks).toHaveBeenCalledTimes(loud.length);
  expect(Object.keys(bench.clipPeaks.value)).toEqual(loud.map(({ id }) => id));
});

test("changes are saved together after a rest, on top of the revision that was opened", async () => {
  const { bench, api, clock } = await ready();

  bench.seek(30);
  bench.split();
  bench.setSpeed(2);
  expect(bench.savingPhase.value).toBe("unsaved");
  await clock.pass(700);

  expect(api.saveProject).toHaveBeenCalledTimes(1);
  expect(api.saveProject.mock.calls[0]?.[2]).toBe(1);
  expect(bench.savingPhase.value).toBe("saved");
});

test("what changes while a save is on its way is saved next, one at a time", async () => {
  const { bench, api, clock, save } = await ready();
  const answer = deferred<Project>();
  api.saveProject.mockImplementationOnce(() => answer.promise);

  bench.setOriginalVolume(0.5);
  await clock.pass(700);
  bench.setOriginalVolume(0.2);
  await clock.pass(2000);
  expect(api.saveProject).toHaveBeenCalledTimes(1);
  answer.resolve(await save("project", { title: "Edit", edit: bench.list.value }, 1));
  await settle();
  await clock.pass(10);

  expect(api.saveProject).toHaveBeenCalledTimes(2);
  expect(api.saveProject.mock.calls[1]?.[2]).toBe(2);
  expect(bench.savingPhase.value).toBe("saved");
});

test("without a connection it waits, keeps the change in this browser and tries again", async () => {
  const { bench, api, clock, store } = await ready();
  api.saveProject.mockRejectedValueOnce(offline());

  bench.setOriginalVolume(0.5);
  await clock.pass(700);
  expect(bench.savingPhase.value).toBe("offline");
  expect(new Drafts(store as never).read("project")).toMatchObject({ saved: false, revision: 1 });
  await clock.pass(3100);

  expect(bench.savingPhase.value).toBe("saved");
});

test("after a reload what had not been saved is there again, and is saved", async () => {
  const first = await ready();
  first.api.saveProject.mockRejectedValue(offline());
  first.bench.setOriginalVolume(0.5);
  await first.clock.pass(700);
  const { bench, clock, server } = await ready({ store: first.store });

  expect(bench.list.value.original_volume).toBe(0.5);
  await clock.pass(700);
  expect(server.project.edit.original_volume).toBe(0.5);
  bench.undo();
  expect(bench.list.value.original_volume).toBe(1);
});

test("steps survive a reload of the same revision, and not one of another", async () => {
  const first = await ready();
  first.bench.setOriginalVolume(0.5);
  await first.clock.pass(1500);

  const same = await ready({ store: first.store, edit: first.bench.list.value, revision: 2 });
  expect(same.bench.canUndo.value).toBe(true);
  const other = await ready({ store: first.store, revision: 9 });
  expect(other.bench.canUndo.value).toBe(false);
  expect(other.bench.savingPhase.value).toBe("saved");
});

test("a save whose answer was lost is no conflict with oneself", async () => {
  const { bench, api, clock, server, save } = await ready();
  api.saveProject.mockImplementationOnce(async (...sent) => {
    await save(...sent);
    throw refused(412, "edited_elsewhere");
  });

  bench.setOriginalVolume(0.5);
  await clock.pass(700);

  expect(bench.savingPhase.value).toBe("saved");
  bench.setOriginalVolume(0.7);
  await clock.pass(700);
  expect(server.project.edit.original_volume).toBe(0.7);
});

test("two tabs: nothing is lost, mine becomes a copy or theirs is taken", async () => {
  for (const choice of ["copy", "theirs"] as const) {
    const { bench, api, clock, server } = await ready();
    server.project = { ...server.project, revision: 5, edit: { ...both(), original_volume: 0.1 } };
    bench.setOriginalVolume(0.5);
    await clock.pass(700);
    expect(bench.savingPhase.value).toBe("conflict");
    expect(bench.list.value.original_volume).toBe(0.5);
    await clock.pass(60_000);
    expect(api.saveProject).toHaveBeenCalledTimes(1);

    if (choice === "copy") {
      const copy = await bench.keepMineAsCopy("Mine");
      expect(copy?.id).toBe("copy");
      expect(api.createProject.mock.calls[0]?.[0]).toMatchObject({
        title: "Mine",
        edit: { original_volume: 0.5 },
      });
    } else bench.takeTheirs();

    expect(bench.list.value.original_volume).toBe(0.1);
    expect(bench.savingPhase.value).toBe("saved");
    bench.setOriginalVolume(0.9);
    await clock.pass(700);
    expect(server.project.revision).toBe(6);
  }
});

test("unsaved changes meet a newer revision after a reload: a conflict with both sides kept", async () => {
  const first = await ready();
  first.api.saveProject.mockRejectedValue(offline());
  first.bench.setOriginalVolume(0.5);
  await first.clock.pass(700);
  const { bench } = await ready({ store: first.store, revision: 4 });

  expect(bench.savingPhase.value).toBe("conflict");
  expect(bench.list.value.original_volume).toBe(0.5);
  expect(bench.theirs.value?.revision).toBe(4);
});

test("leaving the page saves at once", async () => {
  const { bench, api } = await ready();

  bench.setOriginalVolume(0.5);
  await bench.flush();

  expect(api.saveProject.mock.calls[0]).toEqual(["project", expect.anything(), 1, true]);
});

test("a slider that moves is one step, and every step can be taken back and done again", async () => {
  const { bench } = await ready();
  bench.select({ kind: "segments", id: "s1" });

  for (const speed of [1.1, 1.2, 1.5]) bench.setSpeed(speed);
  bench.setReverse(true);
  bench.undo();
  expect(bench.segment.value).toMatchObject({ speed: 1.5, reverse: false });
  bench.undo();
  expect(bench.segment.value).toMatchObject({ speed: 1 });
  bench.redo();
  expect(bench.segment.value).toMatchObject({ speed: 1.5 });
});

test("dragging an edge is one step and holds on to the playhead", async () => {
  const { bench } = await ready();
  bench.seek(60);
  bench.grab("segments", "s1");

  for (const frames of [-5, -20, -28]) bench.dragEdge("segments", "s1", "out", frames);

  expect(bench.snapFrame.value).toBe(60);
  expect(bench.timeline.value.placed[0]?.span).toEqual({ start: 0, end: 60 });
  bench.release();
  bench.undo();
  expect(bench.timeline.value.placed[0]?.span.end).toBe(90);
  expect(bench.canUndo.value).toBe(false);
});

test("words snap to beats of the music", async () => {
  const { bench } = await ready();
  bench.chooseMusic(sound({ id: "song", beats: [0.5, 2], duration_seconds: 60 }));
  bench.addText("Hello");

  bench.grab("texts", "t1");
  bench.dragTimed("texts", "t1", 58);

  expect(bench.beatFrames.value).toEqual([15, 60]);
  expect(bench.snapFrame.value).toBe(60);
  expect(bench.list.value.texts[0]).toMatchObject({ start: 2 });
});

test("in and out are set at the playhead", async () => {
  const { bench } = await ready();

  bench.seek(20);
  bench.setEdge("in");
  expect(bench.timeline.value.frames).toBe(220);
  expect(bench.frame.value).toBe(0);
  bench.seek(49);
  bench.setEdge("out");
  expect(bench.timeline.value.placed[0]?.span.end).toBe(50);
});

test("a clip is laid after the one that is selected", async () => {
  const { bench } = await ready();
  bench.select({ kind: "segments", id: "s1" });

  bench.addClip(swan);

  expect(ids(bench.list.value)).toEqual(["s1", "s3", "s2"]);
  expect(bench.selected.value).toEqual({ kind: "segments", id: "s3" });
  expect(bench.frame.value).toBe(90);
});

test("what is taken back takes its selection with it", async () => {
  const { bench } = await ready();
  bench.addSticker("heart");
  expect(bench.sticker.value?.name).toBe("heart");

  bench.undo();

  expect(bench.selected.value).toBe(null);
});

test("time passes at the video's pace and stops at the end", async () => {
  const { bench } = await ready();
  bench.play();

  bench.advance(1);
  expect(bench.frame.value).toBe(30);
  bench.shuttle(1);
  bench.advance(1);
  expect(bench.frame.value).toBe(90);
  bench.advance(100);

  expect([bench.frame.value, bench.playing.value]).toEqual([239, false]);
  bench.shuttle(-1);
  bench.advance(1);
  expect(bench.frame.value).toBe(209);
});

test("a painted clip takes its place in the list, and can be taken back", async () => {
  const { bench, byId } = await ready();
  bench.paintSegment("s1", job({ id: "paint", state: "queued" }));
  expect(bench.painting.value).toEqual({ s1: "paint" });

  byId.value = { paint: job({ id: "paint", state: "succeeded", result: { clip_id: "painted" } }) };
  await settle();

  expect(bench.painting.value).toEqual({});
  expect(bench.list.value.segments[0]).toMatchObject({ clip: "painted", unstyled: "swan" });
  bench.undo();
  expect(bench.list.value.segments[0]).toMatchObject({ clip: "swan", unstyled: null });
});

test("painting that fails leaves the segment and says why", async () => {
  const { bench, byId } = await ready();
  bench.paintSegment("s1", job({ id: "paint", state: "queued" }));

  const error = { code: "broken", title: "No paint", detail: "" };
  byId.value = { paint: job({ id: "paint", state: "failed", error }) };
  await settle();

  expect(bench.paintingProblem.value?.title).toBe("No paint");
  expect(bench.list.value.segments[0]?.clip).toBe("swan");
});

test("making the video saves first, and the same order twice has one key", async () => {
  const { bench, api } = await ready();
  api.renderProject.mockRejectedValueOnce(offline());
  bench.setOriginalVolume(0.5);

  expect(await bench.render("Film")).toBe(null);
  const made = await bench.render("Film");

  expect(api.saveProject).toHaveBeenCalledTimes(1);
  expect(made?.id).toBe("render");
  expect(new Set(api.renderProject.mock.calls.map((call) => call[2])).size).toBe(1);
});

test("a recording lies where the playhead was when it began", async () => {
  const { bench } = await ready();
  bench.seek(30);

  await bench.record();
  expect(bench.playing.value).toBe(true);
  bench.advance(2);
  await bench.stopRecording();

  expect(bench.list.value.voices).toMatchObject([{ sound: "voice", at: 1 }]);
  expect(bench.recording.value).toBe("idle");
});

test("a recording that could not be sent is kept and sent again", async () => {
  const { bench, api } = await ready();
  bench.seek(30);
  api.addSound.mockRejectedValueOnce(offline());

  await bench.record();
  bench.advance(2);
  await bench.stopRecording();
  expect([bench.hasUnsent.value, bench.recordingProblem.value?.offline]).toEqual([true, true]);
  bench.seek(0);
  await bench.sendRecording();

  expect(bench.list.value.voices).toMatchObject([{ sound: "voice", at: 1 }]);
  expect([bench.hasUnsent.value, bench.recordingProblem.value]).toEqual([false, null]);
});

test("music that is taken back after a reload is heard", async () => {
  const store = new Store();
  const { bench, clock, server } = await ready({ store });
  bench.chooseMusic(sound({ id: "song" }));
  bench.chooseMusic(null);
  await clock.pass(600);
  const { bench: later } = await ready({
    store,
    edit: server.project.edit,
    revision: server.project.revision,
  });

  later.undo();
  await settle();

  expect(later.list.value.music?.track).toBe("song");
  expect(later.sounds.value["song"]?.id).toBe("song");
});

test("a forbidden microphone is said in words", async () => {
  const { bench, recorder } = await ready();
  recorder.start.mockRejectedValueOnce(refused(403, "no_microphone"));

  await bench.record();

  expect([bench.recording.value, bench.recordingProblem.value?.code]).toEqual(["idle", "no_microphone"]);
});

test("the first clip gives the canvas its shape", async () => {
  const { bench } = await ready({ edit: emptyEdit() });

  bench.addClip(swan);

  expect(bench.list.value.canvas.aspect).toBe("16:9");
  bench.undo();
  expect(bench.list.value).toMatchObject({ segments: [], canvas: { aspect: "9:16" } });
});

test("while an edge is dragged the canvas shows the frame at the edge, and the playhead stays", async () => {
  const { bench } = await ready();
  bench.seek(100);
  bench.grab("segments", "s1");

  bench.dragEdge("segments", "s1", "out", -40);
  expect([bench.shown.value, bench.frame.value]).toEqual([49, 100]);
  bench.release();

  expect(bench.shown.value).toBe(100);
});

test("what is dragged near the middle of the canvas lies in the middle, and nearly upright is upright", async () => {
  const { bench } = await ready();
  bench.addSticker("star");
  bench.changeSticker({ x: 0.2, y: 0.9, rotation: 10 });
  bench.grab("stickers", "k1");

  bench.dragOnCanvas({ x: 0.305, y: -0.2, scale: 2, turn: -8 });

  expect(bench.guides.value).toEqual({ x: 0.5, y: null });
  expect(bench.sticker.value).toMatchObject({ x: 0.5, rotation: 0, size: 0.3 });
  bench.release();
  expect(bench.guides.value).toEqual({ x: null, y: null });
});

test("a video that is longer than the server keeps is said before it is sent", async () => {
  const { bench } = await ready();
  expect(bench.tooLong.value).toBe(null);

  for (const id of ["s1", "s2"]) {
    bench.select({ kind: "segments", id });
    bench.setSpeed(0.25);
    bench.duplicate();
  }

  expect(bench.timeline.value.frames).toBe(2 * 4 * 240);
  expect(bench.tooLong.value).toBe(60);
});
