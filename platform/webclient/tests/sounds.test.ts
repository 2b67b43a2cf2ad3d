import { expect, test, vi } from "vitest";

import { Drafts, type Draft } from "../src/model/drafts";
import { emptyEdit } from "../src/model/edit-list";
import { VoiceRecorder } from "../src/model/recorder";
import type { Sound, SoundFilter } from "../src/model/types";
import { MyProjects, NewEdit } from "../src/viewmodel/projects";
import { SoundShelf } from "../src/viewmodel/sounds";
import { Clock, page, project, refused, settle, sound } from "./fakes";

function shelf() {
  const clock = new Clock();
  const api = {
    sounds: vi.fn((_filter?: SoundFilter) => Promise.resolve(page<Sound>([sound({ moods: ["calm"] })]))),
    next: vi.fn(),
    addSound: vi.fn(() => Promise.resolve(sound({ id: "own", kind: "music", mine: true }))),
    deleteSound: vi.fn(() => Promise.resolve()),
  };
  return {
    clock,
    api,
    shelf: new SoundShelf({ api, setTimeout: clock.setTimeout, clearTimeout: clock.clearTimeout as never }),
  };
}

test("music is asked for by mood, tempo and words, and words wait until one stops typing", async () => {
  const { shelf: music, api, clock } = shelf();
  await music.load();
  music.feel("calm");
  music.pace("fast");
  await settle();
  expect(api.sounds.mock.lastCall?.[0]).toMatchObject({ kind: "library", mood: "calm", bpm_min: "120" });

  for (const text of ["m", "mo", "moon"]) music.search(text);
  await clock.pass(400);

  expect(api.sounds).toHaveBeenCalledTimes(4);
  expect(api.sounds.mock.lastCall?.[0]).toMatchObject({ q: "moon" });
  expect(music.moods.value).toEqual(["calm"]);
});

test("a mood chosen twice is let go", async () => {
  const { shelf: music } = shelf();

  music.feel("calm");
  music.feel("calm");

  expect(music.mood.value).toBe("");
});

test("a file that is no sound is refused before it is sent", async () => {
  const { shelf: music, api } = shelf();

  expect(await music.upload(new File(["x"], "film.mp4", { type: "video/mp4" }))).toBe(null);
  expect(music.problem.value?.code).toBe("not_a_sound");
  expect((await music.upload(new File(["x"], "song.mp3", { type: "audio/mpeg" })))?.id).toBe("own");
  expect(api.addSound).toHaveBeenCalledTimes(1);
});

test("a new edit that is asked for twice is one edit", async () => {
  const create = vi.fn((_fields: object, _key: string) => Promise.resolve(project()));
  create.mockRejectedValueOnce(refused(503));
  let keys = 0;
  const fresh = new NewEdit({ createProject: create }, () => `key-${++keys}`);

  expect(await fresh.create({ clip_id: "swan" })).toBe(null);
  expect((await fresh.create({ clip_id: "swan" }))?.id).toBe("project");

  expect(create.mock.calls.map(([, key]) => key)).toEqual(["key-1", "key-1"]);
});

test("edits are duplicated and deleted where they are listed, and a deleted one leaves nothing in the browser", async () => {
  const forgotten: string[] = [];
  const mine = new MyProjects(
    {
      projects: () => Promise.resolve(page([project({ id: "one" })])),
      next: vi.fn(),
      duplicateProject: () => Promise.resolve(project({ id: "two" })),
      deleteProject: () => Promise.resolve(),
    },
    (id) => forgotten.push(id),
  );
  await mine.load();

  await mine.duplicate("one");
  expect(mine.projects.items.value.map(({ id }) => id)).toEqual(["two", "one"]);
  await mine.remove("one");

  expect(mine.projects.items.value.map(({ id }) => id)).toEqual(["two"]);
  expect(forgotten).toEqual(["one"]);
});

/** Web Storage with room for so many letters. */
function smallStorage(room: number) {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (name: string) => kept.get(name) ?? null,
    setItem(name: string, text: string) {
      const others = [...kept]
        .filter(([other]) => other !== name)
        .reduce((sum, [, one]) => sum + one.length, 0);
      if (others + text.length > room) throw new Error("QuotaExceededError");
      kept.set(name, text);
    },
    removeItem: (name: string) => void kept.delete(name),
    key: (at: number) => [...kept.keys()][at] ?? null,
    get length() {
      return kept.size;
    },
  };
}

const draft = (change: Partial<Draft> = {}): Draft => ({
  revision: 1,
  saved: true,
  title: "Edit",
  edit: emptyEdit(),
  past: [],
  future: [],
  painting: {},
  ...change,
});

test("where there is little room the steps go first, and the list itself stays", () => {
  const storage = smallStorage(600);
  const drafts = new Drafts(storage as never);

  drafts.write("one", draft({ past: Array.from({ length: 30 }, emptyEdit), saved: false }));

  expect(drafts.read("one")).toMatchObject({ past: [], saved: false });
});

test("another edit's steps make room, what it has not saved does not", () => {
  const storage = smallStorage(700);
  const drafts = new Drafts(storage as never);
  drafts.write("saved", draft());
  drafts.write("unsaved", draft({ saved: false }));
  drafts.write("here", draft({ saved: false }));

  expect([...storage.kept.keys()]).toEqual(["impasto.edit.unsaved", "impasto.edit.here"]);
});

test("something else under the name of a draft is no draft", () => {
  const storage = smallStorage(1000);
  storage.kept.set("impasto.edit.one", '{"edit":{"version":9}}');

  expect(new Drafts(storage as never).read("one")).toBe(null);
  expect(new Drafts(null).read("one")).toBe(null);
});

test("the recorder takes the first format that the browser has, and lets the microphone go", async () => {
  const stop = vi.fn();
  const opened: string[] = [];
  const recorder = new VoiceRecorder({
    microphone: () => Promise.resolve({ getTracks: () => [{ stop }] } as never),
    supports: (type) => type.startsWith("audio/webm"),
    open: (stream, type) => {
      opened.push(type);
      const fake = {
        stream,
        mimeType: type,
        ondataavailable: (_event: object) => undefined,
        onstop: () => undefined,
        start: () => undefined,
        stop() {
          this.ondataavailable({ data: new Blob(["sound"]) });
          this.onstop();
        },
      };
      return fake as never;
    },
  });

  await recorder.start();
  const file = await recorder.stop();

  expect(opened).toEqual(["audio/webm;codecs=opus"]);
  expect([file?.name, file?.type, file?.size]).toEqual(["voice.webm", "audio/webm", 5]);
  expect(stop).toHaveBeenCalledOnce();
  expect(await recorder.stop()).toBe(null);
});

test("no microphone and no recorder are said apart", async () => {
  const ports = { open: vi.fn(), supports: () => true };
  const denied = new VoiceRecorder({ ...ports, microphone: () => Promise.reject(new Error("denied")) });
  const without = new VoiceRecorder({ ...ports, microphone: null });

  await expect(denied.start()).rejects.toMatchObject({ code: "no_microphone" });
  await expect(without.start()).rejects.toMatchObject({ code: "no_recorder" });
});
