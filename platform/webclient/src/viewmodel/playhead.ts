import { computed, type ReadonlySignal, signal } from "@preact/signals";

import type { Timeline } from "../model/edit-list";

const FASTEST = 8;

export interface Playhead {
  /** The frame on the canvas */
  frame: ReadonlySignal<number>;
  playing: ReadonlySignal<boolean>;
  /** 1 forwards, 2 twice as fast, -1 backwards */
  pace: ReadonlySignal<number>;
  seek(frame: number): void;
  step(frames: number): void;
  play(): void;
  pause(): void;
  toggle(): void;
  /** L and J of an editing desk: play that way, pressed again twice as fast. */
  shuttle(direction: 1 | -1): void;
  /** So much time has passed; at either end it stops. */
  advance(seconds: number): void;
}

/** Where one is in the video, and time passing. */
export function createPlayhead(timeline: ReadonlySignal<Timeline>): Playhead {
  const position = signal(0);
  const playing = signal(false);
  const pace = signal(1);
  const last = computed(() => Math.max(0, timeline.value.frames - 1));
  const frame = computed(() => Math.min(last.value, Math.max(0, Math.floor(position.value + 1e-6))));

  function seek(next: number) {
    position.value = Math.min(last.peek(), Math.max(0, Math.round(next)));
  }

  function start(next: number) {
    if (timeline.peek().frames === 0) return;
    pace.value = next;
    if (next > 0 && frame.peek() >= last.peek()) position.value = 0;
    if (next < 0 && frame.peek() <= 0) position.value = last.peek();
    playing.value = true;
  }

  function pause() {
    if (!playing.peek()) return;
    playing.value = false;
    pace.value = 1;
    position.value = frame.peek();
  }

  return {
    frame,
    playing,
    pace,
    seek,
    step(frames) {
      pause();
      seek(frame.peek() + frames);
    },
    play: () => start(1),
    pause,
    toggle: () => (playing.peek() ? pause() : start(1)),
    shuttle(direction) {
      const same = playing.peek() && Math.sign(pace.peek()) === direction;
      start(same ? Math.max(-FASTEST, Math.min(FASTEST, pace.peek() * 2)) : direction);
    },
    advance(seconds) {
      if (!playing.peek()) return;
      const next = position.peek() + seconds * pace.peek() * timeline.peek().rate;
      const over = pace.peek() > 0 ? next >= last.peek() + 1 : next < 0;
      position.value = Math.min(last.peek() + 0.999, Math.max(0, next));
      if (over) pause();
    },
  };
}
