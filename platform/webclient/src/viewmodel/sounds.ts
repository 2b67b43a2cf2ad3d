import { createModel, effect, type ReadonlySignal, signal } from "@preact/signals";

import type { Api } from "../model/api";
import { asProblem, Problem } from "../model/problem";
import type { Sound, SoundFilter } from "../model/types";
import { createListing } from "./listing";

export const tempos = ["slow", "middle", "fast"] as const;
export type Tempo = (typeof tempos)[number];

const BEATS: Record<Tempo, SoundFilter> = {
  slow: { bpm_max: "90" },
  middle: { bpm_min: "90", bpm_max: "120" },
  fast: { bpm_min: "120" },
};
const REST = 300;
const MOST_BYTES = 50_000_000;

export interface SoundPorts {
  api: Pick<Api, "sounds" | "next" | "addSound" | "deleteSound">;
  setTimeout: (run: () => void, milliseconds: number) => unknown;
  clearTimeout: (timer: never) => void;
}

/** The shelf of music: the library's and one's own, found by mood, tempo and words. */
export const SoundShelf = createModel((ports: SoundPorts) => {
  const kind = signal<"library" | "mine">("library");
  const mood = signal<string>("");
  const tempo = signal<Tempo | "">("");
  const words = signal("");
  const phase = signal<"idle" | "sending">("idle");
  const problem = signal<Problem | null>(null);
  /** The one that one listens to */
  const playing = signal<Sound | null>(null);
  /** Every mood that was on the shelf so far: the library decides what there is. */
  const moods = signal<readonly string[]>([]);
  let timer: unknown = null;

  const sounds = createListing<Sound>({
    first: () =>
      ports.api.sounds({
        kind: kind.peek(),
        mood: mood.peek(),
        q: words.peek().trim(),
        ...(tempo.peek() === "" ? {} : BEATS[tempo.peek() as Tempo]),
      }),
    next: ports.api.next,
    idOf: (sound) => sound.id,
  });

  effect(() => {
    const heard = sounds.items.value.flatMap((sound) => sound.moods);
    const all = [...new Set([...moods.peek(), ...heard])].toSorted();
    if (all.length > moods.peek().length) moods.value = all;
  });

  return {
    sounds,
    moods: moods as ReadonlySignal<readonly string[]>,
    kind: kind as ReadonlySignal<"library" | "mine">,
    mood: mood as ReadonlySignal<string>,
    tempo: tempo as ReadonlySignal<Tempo | "">,
    words: words as ReadonlySignal<string>,
    phase: phase as ReadonlySignal<"idle" | "sending">,
    problem: problem as ReadonlySignal<Problem | null>,
    playing: playing as ReadonlySignal<Sound | null>,
    load: sounds.load,
    show(next: "library" | "mine") {
      kind.value = next;
      void sounds.load();
    },
    feel(next: string) {
      mood.value = next === mood.peek() ? "" : next;
      void sounds.load();
    },
    pace(next: Tempo | "") {
      tempo.value = next === tempo.peek() ? "" : next;
      void sounds.load();
    },
    search(text: string) {
      words.value = text;
      ports.clearTimeout(timer as never);
      timer = ports.setTimeout(() => void sounds.load(), REST);
    },
    listen(sound: Sound | null) {
      playing.value = sound?.id === playing.peek()?.id ? null : sound;
    },
    async upload(file: File): Promise<Sound | null> {
      problem.value = null;
      if (!file.type.startsWith("audio/") && !/\.(mp3|m4a|aac|wav|ogg|opus|flac)$/i.test(file.name)) {
        problem.value = new Problem({ status: 415, code: "not_a_sound" });
        return null;
      }
      if (file.size > MOST_BYTES) {
        problem.value = new Problem({ status: 413, code: "file_too_large" });
        return null;
      }
      phase.value = "sending";
      try {
        const sound = await ports.api.addSound(file, file.name, "music");
        kind.value = "mine";
        void sounds.load();
        return sound;
      } catch (error) {
        problem.value = asProblem(error);
        return null;
      } finally {
        phase.value = "idle";
      }
    },
    async remove(sound: Sound) {
      try {
        await ports.api.deleteSound(sound.id);
        sounds.remove(sound.id);
      } catch (error) {
        problem.value = asProblem(error);
      }
    },
  };
});

export type SoundShelfModel = InstanceType<typeof SoundShelf>;
