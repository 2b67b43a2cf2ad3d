import { createModel, type ReadonlySignal, signal } from "@preact/signals";

import type { Problem } from "../model/problem";

export type ToastKind =
  | "painting_ready"
  | "painting_failed"
  | "video_ready"
  | "video_failed"
  | "clip_ready"
  | "link_copied"
  | "post_deleted"
  | "clip_deleted"
  | "report_sent"
  | "try_again"
  | "sign_in_first"
  | "upload_busy"
  | "film_waits";

export interface Toast {
  id: number;
  kind: ToastKind;
  href?: string;
  problem?: Problem;
}

const SHOWN_FOR = 6000;

/** Short news at the edge of the screen; read aloud, gone by itself. */
export const Toasts = createModel((setTimeout: (run: () => void, milliseconds: number) => unknown) => {
  const shown = signal<readonly Toast[]>([]);
  let count = 0;

  function drop(id: number) {
    shown.value = shown.value.filter((toast) => toast.id !== id);
  }

  return {
    shown: shown as ReadonlySignal<readonly Toast[]>,
    drop,
    say(kind: ToastKind, more: { href?: string; problem?: Problem } = {}) {
      const toast = { id: ++count, kind, ...more };
      shown.value = [...shown.value.slice(-2), toast];
      setTimeout(() => drop(toast.id), SHOWN_FOR);
    },
  };
});
