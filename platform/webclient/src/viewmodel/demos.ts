import { createModel, type ReadonlySignal, signal } from "@preact/signals";

import type { Clip, Page } from "../model/types";

/** Clips of the house, to try it without one's own: each is painted like any clip. */
export const Demos = createModel((api: { demoClips(): Promise<Page<Clip>> }) => {
  const list = signal<readonly Clip[]>([]);

  return {
    list: list as ReadonlySignal<readonly Clip[]>,
    async load() {
      // Without demo clips the door for one's own clip is all there is to show.
      const page = await api.demoClips().catch(() => null);
      list.value = page?.results ?? [];
    },
  };
});
