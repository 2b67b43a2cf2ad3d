import { vi } from "vitest";

import { Problem } from "../src/model/problem";
import { emptyEdit } from "../src/model/edit-list";
import type { Clip, Comment, Job, Me, Page, Post, Project, Sound, Style } from "../src/model/types";

/** Things as the server would send them; a test says only what it cares about. */
export const job = (change: Partial<Job> = {}): Job => ({
  id: "job",
  kind: "restyle",
  state: "running",
  stage: "painting",
  progress: 0.5,
  subject: { clip_id: "clip" },
  result: {},
  has_preview: false,
  cancel_requested: false,
  attempts: 1,
  created_at: "2026-01-01T00:00:00Z",
  ...change,
});

export const clip = (change: Partial<Clip> = {}): Clip => ({
  id: "clip",
  owner: { username: "ada", display_name: "Ada" },
  title: "Swan",
  width: 640,
  height: 360,
  duration_seconds: 3,
  frame_rate: 24,
  frame_count: 72,
  has_audio: true,
  bytes: 1000,
  created_at: "2026-01-01T00:00:00Z",
  video_url: "/media/clips/clip/video.mp4",
  poster_url: "/media/clips/clip/poster.jpg",
  captions_url: null,
  sprite: null,
  parents: [],
  recipe: null,
  is_demo: false,
  credit: "",
  ...change,
});

export const project = (change: Partial<Project> = {}): Project => ({
  id: "project",
  title: "Edit",
  revision: 1,
  duration_seconds: 3,
  poster_url: null,
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
  edit: emptyEdit(),
  clips: [],
  sounds: [],
  ...change,
});

export const sound = (change: Partial<Sound> = {}): Sound => ({
  id: "sound",
  kind: "library",
  title: "Song",
  author: "",
  licence: "",
  credit: "",
  moods: [],
  bpm: null,
  beats: [],
  peaks: [],
  duration_seconds: 10,
  audio_url: "/media/sounds/sound/audio.m4a",
  mine: false,
  ...change,
});

export const style = (slug: string, change: Partial<Style> = {}): Style => ({
  id: slug,
  slug,
  name: slug,
  kind: "preset",
  artist: "",
  year: "",
  licence: "",
  credit: "",
  image_url: "",
  thumbnail_url: "",
  palette: [],
  accent: { on_dark: "#ffcc00", on_light: "#664400" },
  mine: false,
  ...change,
});

export const post = (id: string, change: Partial<Post> = {}): Post => ({
  id,
  author: { username: "ada", display_name: "Ada" },
  caption: "",
  hashtags: [],
  clip: {
    id: "clip",
    video_url: "",
    poster_url: "",
    width: 640,
    height: 360,
    duration_seconds: 3,
    has_audio: true,
    captions_url: null,
  },
  original: { video_url: "", poster_url: "" },
  styles: [{ slug: "wave", name: "The Wave", thumbnail_url: "" }],
  credits: [],
  sound: null,
  like_count: 3,
  comment_count: 0,
  liked: false,
  mine: false,
  created_at: "2026-01-01T00:00:00Z",
  ...change,
});

export const comment = (id: string, change: Partial<Comment> = {}): Comment => ({
  id,
  author: { username: "ada", display_name: "Ada" },
  text: "Lovely",
  created_at: "2026-01-01T00:00:00Z",
  mine: true,
  ...change,
});

export const me = (change: Partial<Me> = {}): Me => ({
  id: "me",
  username: "ada",
  display_name: "Ada",
  bio: "",
  is_staff: false,
  is_moderator: false,
  limits: { upload_bytes: 300_000_000, clip_seconds: 60 },
  ...change,
});

export const page = <T>(results: T[], next: string | null = null): Page<T> => ({
  results,
  next,
  previous: null,
});

export const refused = (status: number, code = "refused") => new Problem({ status, code, detail: code });

/** A promise that a test settles when it likes. */
export function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** Let everything that waits for a settled promise run. */
export const settle = async () => {
  for (let turn = 0; turn < 12; turn++) await Promise.resolve();
};

/** Timers that move when told to. */
export class Clock {
  time = 0;
  #timers = new Map<number, { at: number; run: () => void }>();
  #count = 0;

  now = () => this.time;
  setTimeout = (run: () => void, milliseconds: number) => {
    this.#timers.set(++this.#count, { at: this.time + milliseconds, run });
    return this.#count;
  };
  clearTimeout = (timer: number) => void this.#timers.delete(timer);

  async pass(milliseconds: number) {
    const end = this.time + milliseconds;
    for (;;) {
      const due = [...this.#timers]
        .filter(([, { at }]) => at <= end)
        .toSorted((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      const [id, { at, run }] = due;
      this.#timers.delete(id);
      this.time = at;
      run();
      await settle();
    }
    this.time = end;
    await settle();
  }
}

/** Somebody who is told what happens in a studio, and remembers it. */
export const studioEvents = () => ({
  seen: vi.fn(),
  painted: vi.fn(),
  ended: vi.fn(),
  notice: vi.fn(),
  silent: vi.fn(),
  heard: vi.fn(),
  interrupted: vi.fn(),
});
