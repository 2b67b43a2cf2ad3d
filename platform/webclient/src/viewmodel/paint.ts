import {
  batch,
  computed,
  createModel,
  effect,
  type ReadonlySignal,
  signal,
  untracked,
} from "@preact/signals";

import { type Api, frameUrl } from "../model/api";
import { asProblem, type Problem } from "../model/problem";
import type { Clip, Height, Job, RecipeIn, Style } from "../model/types";
import { createListing } from "./listing";
import { createResource } from "./resource";

export const MOST_STYLES = 4;
/** A preview at more lines than this takes longer than a finger waits. */
const PREVIEW_LINES: Height = 480;
const REST = 180;
export const FINEST_BRUSH = 0.5;
export const LARGEST_BRUSH = 3;

export interface Ingredient {
  style: Style;
  /** 0..1, relative to the others */
  weight: number;
}

export interface PaintPorts {
  api: Pick<Api, "clip" | "styles" | "style" | "addStyle" | "deleteStyle" | "preview" | "restyle" | "next">;
  /** Make an address for the bytes of a picture, and give it back when it is no longer shown. */
  pictures: { open(picture: Blob): string; close(address: string): void };
  setTimeout: (run: () => void, milliseconds: number) => unknown;
  clearTimeout: (timer: never) => void;
  newKey: () => string;
}

export type PreviewPhase = "idle" | "painting" | "shown" | "failed";

/** The easel: one clip, a mix of styles, and one frame that is repainted while one chooses. */
export const Easel = createModel((ports: PaintPorts, clipId: string, wanted: readonly string[]) => {
  const { api } = ports;
  const clip = createResource<Clip>(() => api.clip(clipId));
  const presets = createListing<Style>({
    first: () => api.styles("preset"),
    next: api.next,
    idOf: (style) => style.slug,
  });
  const mine = createListing<Style>({
    first: () => api.styles("mine"),
    next: api.next,
    idOf: (style) => style.slug,
  });

  const mix = signal<readonly Ingredient[]>([]);
  const mixing = signal(false);
  const strength = signal(1);
  const brush = signal(1);
  const keepColors = signal(false);
  const height = signal<Height>(480);
  const atSeconds = signal(0);

  const preview = signal<string | null>(null);
  const previewPhase = signal<PreviewPhase>("idle");
  const previewProblem = signal<Problem | null>(null);

  const phase = signal<"choosing" | "sending" | "sent">("choosing");
  const problem = signal<Problem | null>(null);
  const addingStyle = signal(false);
  const styleProblem = signal<Problem | null>(null);
  let order: { body: string; key: string } | null = null;

  const recipe = computed<RecipeIn | null>(() => {
    if (mix.value.length === 0) return null;
    return {
      styles: mix.value.map(({ style, weight }) => ({ style: style.slug, weight })),
      strength: strength.value,
      brush: brush.value,
      keep_colors: keepColors.value,
      height: height.value,
    };
  });

  // One preview is in flight at a time and the newest wish is next: while a slider moves the frame follows as fast
  // as the server paints, and a slow server never collects a queue of frames nobody waits for.
  let running: AbortController | null = null;
  let wish: { recipe: RecipeIn; at: number } | null = null;
  let asked = "";
  let timer: unknown = null;

  async function paintNext() {
    if (running || !wish) return;
    const { recipe: wishedRecipe, at } = wish;
    wish = null;
    running = new AbortController();
    previewPhase.value = "painting";
    try {
      const lines = Math.min(wishedRecipe.height, PREVIEW_LINES) as Height;
      const picture = await api.preview(clipId, { ...wishedRecipe, height: lines }, at, running.signal);
      show(picture);
    } catch (error) {
      if (running.signal.aborted) return;
      batch(() => {
        previewProblem.value = asProblem(error);
        previewPhase.value = "failed";
      });
    } finally {
      running = null;
      void paintNext();
    }
  }

  function show(picture: Blob) {
    const old = preview.value;
    batch(() => {
      preview.value = ports.pictures.open(picture);
      previewProblem.value = null;
      previewPhase.value = "shown";
    });
    if (old) ports.pictures.close(old);
  }

  function orderPreview(next: typeof wish) {
    wish = next;
    ports.clearTimeout(timer as never);
    timer = ports.setTimeout(() => void paintNext(), REST);
  }

  effect(() => {
    const at = atSeconds.value;
    const now = recipe.value;
    if (clip.value.value === null || now === null) return;
    // Choosing what is chosen already asks for nothing new.
    const question = JSON.stringify([now, at]);
    if (question === asked) return;
    asked = question;
    untracked(() => orderPreview({ recipe: now, at }));
  });
  effect(() => () => {
    wish = null;
    ports.clearTimeout(timer as never);
    running?.abort();
    if (preview.peek()) ports.pictures.close(preview.peek()!);
  });

  function use(style: Style) {
    const inside = mix.value.some((item) => item.style.slug === style.slug);
    if (!mixing.value) mix.value = [{ style, weight: 1 }];
    else if (inside && mix.value.length > 1) {
      mix.value = mix.value.filter((item) => item.style.slug !== style.slug);
    } else if (!inside && mix.value.length < MOST_STYLES) {
      mix.value = [...mix.value, { style, weight: 1 }];
    }
  }

  async function loadStyles() {
    await Promise.all([presets.load(), mine.load()]);
    if (mix.value.length > 0) return;
    const asked = await Promise.all(
      wanted.slice(0, MOST_STYLES).map((slug) => api.style(slug).catch(() => null)),
    );
    const found = asked.filter((style) => style !== null);
    batch(() => {
      mixing.value = found.length > 1;
      const first = presets.items.value[0];
      mix.value = (found.length > 0 ? found : first ? [first] : []).map((style) => ({ style, weight: 1 }));
    });
  }

  async function loadClip() {
    await clip.load();
    const loaded = clip.value.value;
    if (!loaded) return;
    batch(() => {
      // A third into the clip there is more to see than in its first frame.
      atSeconds.value = loaded.duration_seconds / 3;
      height.value = Math.min(loaded.width, loaded.height) >= 480 ? 480 : 360;
    });
  }

  return {
    clip,
    presets,
    mine,
    mix: mix as ReadonlySignal<readonly Ingredient[]>,
    mixing: mixing as ReadonlySignal<boolean>,
    strength: strength as ReadonlySignal<number>,
    brush: brush as ReadonlySignal<number>,
    keepColors: keepColors as ReadonlySignal<boolean>,
    height: height as ReadonlySignal<Height>,
    atSeconds: atSeconds as ReadonlySignal<number>,
    preview: preview as ReadonlySignal<string | null>,
    previewPhase: previewPhase as ReadonlySignal<PreviewPhase>,
    previewProblem: previewProblem as ReadonlySignal<Problem | null>,
    phase: phase as ReadonlySignal<string>,
    problem: problem as ReadonlySignal<Problem | null>,
    addingStyle: addingStyle as ReadonlySignal<boolean>,
    styleProblem: styleProblem as ReadonlySignal<Problem | null>,
    recipe,
    /** The address of the original frame under the scrubber. */
    original: computed<string | null>(() => {
      const loaded = clip.value.value;
      return loaded && frameUrl(loaded.id, atSeconds.value, Math.min(720, loaded.height));
    }),
    /** The style that gives the screen its accent: the heaviest. */
    leading: computed<Style | null>(
      () => mix.value.toSorted((a, b) => b.weight - a.weight)[0]?.style ?? null,
    ),
    canPaint: computed(() => phase.value === "choosing" && recipe.value !== null),
    isFull: computed(() => mix.value.length >= MOST_STYLES),

    async load() {
      await Promise.all([loadClip(), loadStyles()]);
    },
    loadStyles,
    use,
    toggleMixing() {
      batch(() => {
        mixing.value = !mixing.value;
        if (!mixing.value) mix.value = mix.value.slice(0, 1).map((item) => ({ ...item, weight: 1 }));
      });
    },
    weigh(slug: string, weight: number) {
      // Zero for every style would leave nothing to paint with.
      const least = 0.05;
      mix.value = mix.value.map((item) =>
        item.style.slug === slug ? { ...item, weight: Math.max(least, weight) } : item,
      );
    },
    setStrength(value: number) {
      strength.value = Math.min(1.5, Math.max(0, value));
    },
    /** 1 is a stroke as the network paints it at 480 lines, 2 one twice as large beside the frame. */
    setBrush(value: number) {
      brush.value = Math.min(LARGEST_BRUSH, Math.max(FINEST_BRUSH, value));
    },
    setKeepColors(value: boolean) {
      keepColors.value = value;
    },
    setHeight(value: Height) {
      height.value = value;
    },
    seek(seconds: number) {
      atSeconds.value = Math.min(Math.max(0, seconds), clip.value.value?.duration_seconds ?? 0);
    },
    retryPreview() {
      if (recipe.value) orderPreview({ recipe: recipe.value, at: atSeconds.value });
    },
    async addStyle(image: File) {
      addingStyle.value = true;
      styleProblem.value = null;
      try {
        const style = await api.addStyle(image, image.name.replace(/\.[^.]*$/, "").slice(0, 60));
        batch(() => {
          mine.prepend(style);
          use(style);
        });
      } catch (error) {
        styleProblem.value = asProblem(error);
      } finally {
        addingStyle.value = false;
      }
    },
    async removeStyle(style: Style) {
      try {
        await api.deleteStyle(style.slug);
        batch(() => {
          mine.remove(style.slug);
          const rest = mix.value.filter((item) => item.style.slug !== style.slug);
          const first = presets.items.value[0];
          mix.value = rest.length > 0 || !first ? rest : [{ style: first, weight: 1 }];
        });
      } catch (error) {
        styleProblem.value = asProblem(error);
      }
    },
    /** Start the job. Pressed again after a lost answer it is the same order, so it paints once. */
    async paint(): Promise<Job | null> {
      const now = recipe.value;
      if (!now || phase.value !== "choosing") return null;
      const body = JSON.stringify(now);
      if (order?.body !== body) order = { body, key: ports.newKey() };
      phase.value = "sending";
      problem.value = null;
      try {
        const job = await api.restyle(clipId, now, order.key);
        phase.value = "sent";
        return job;
      } catch (error) {
        batch(() => {
          problem.value = asProblem(error);
          phase.value = "choosing";
        });
        return null;
      }
    },
  };
});

export type EaselModel = InstanceType<typeof Easel>;
