import { createModel, type ReadonlySignal, signal } from "@preact/signals";

import { asProblem, type Problem } from "../model/problem";

export interface DemoClip {
  name: string;
  title: string;
  credit: string;
  video_url: string;
  poster_url: string;
}

/** Clips to try it with; they are fetched and sent like any file of one's own. */
export const Demos = createModel(
  (demos: { list(): Promise<DemoClip[]>; fetch(demo: DemoClip): Promise<File> }) => {
    const list = signal<readonly DemoClip[]>([]);
    const fetching = signal<string | null>(null);
    const problem = signal<Problem | null>(null);

    return {
      list: list as ReadonlySignal<readonly DemoClip[]>,
      fetching: fetching as ReadonlySignal<string | null>,
      problem: problem as ReadonlySignal<Problem | null>,
      async load() {
        // Without demo clips the door for one's own clip is all there is to show.
        list.value = await demos.list().catch(() => []);
      },
      async take(demo: DemoClip, use: (file: File) => void) {
        if (fetching.value) return;
        fetching.value = demo.name;
        problem.value = null;
        try {
          use(await demos.fetch(demo));
        } catch (error) {
          problem.value = asProblem(error);
        } finally {
          fetching.value = null;
        }
      },
    };
  },
);
