import { batch, computed, createModel, type ReadonlySignal, signal } from "@preact/signals";

import type { LiveStyle, StyleShelf } from "../model/live/shelf";
import type { Model } from "../model/painter/protocol";
import type { Ingredient, Vector } from "../model/painter/style";
import { asProblem, type Problem } from "../model/problem";

export interface StylePorts {
  /** What turns a picture into a vector, once it is open. */
  embed: (picture: Blob) => Promise<Vector>;
  openPicture: (picture: Blob) => string;
  closePicture: (url: string) => void;
}

export type Shelf = Pick<StyleShelf, "presets" | "paintWith" | "vector" | "picture" | "keep" | "close">;

const NO_ACCENT = { on_dark: "", on_light: "" };

/** The carousel: presets and the person's own pictures, of which one is chosen, and how strongly it paints. */
export const StyleChoice = createModel(
  (ports: StylePorts, onChoice: (ingredient: Ingredient, strength: number) => Promise<void>) => {
    const presets = signal<readonly LiveStyle[]>([]);
    const own = signal<readonly LiveStyle[]>([]);
    const chosen = signal<string | null>(null);
    const strength = signal(1);
    const problem = signal<Problem | null>(null);
    const vectors = new Map<string, Vector>();
    const pictures = new Map<string, File>();
    let shelf: Shelf | null = null;
    let sending = false;
    let wish: string | null = null;

    const all = computed(() => [...own.value, ...presets.value]);
    /** What the server knows it by; null for a picture of one's own, which it has never seen. */
    const preset = computed(() => presets.value.find(({ slug }) => slug === chosen.value)?.slug ?? null);
    const style = computed(() => all.value.find(({ slug }) => slug === chosen.value) ?? null);

    async function vectorOf(one: LiveStyle): Promise<Vector> {
      const known = vectors.get(one.slug) ?? shelf?.vector(one.slug);
      const vector = known ?? (await ports.embed(pictures.get(one.slug) ?? (await shelf!.picture(one))));
      vectors.set(one.slug, vector);
      return vector;
    }

    /** While the slider moves only the newest wish is remembered. One that fails takes no newer one with it. */
    async function send() {
      if (sending) return;
      sending = true;
      while (wish !== null) {
        const one = all.peek().find(({ slug }) => slug === wish);
        wish = null;
        try {
          if (one) await onChoice({ embedding: await vectorOf(one), weight: 1 }, strength.peek());
          problem.value = null;
        } catch (error) {
          problem.value = asProblem(error);
        }
      }
      sending = false;
    }

    function pick(slug: string): Promise<void> {
      chosen.value = slug;
      wish = slug;
      return send();
    }

    return {
      presets: presets as ReadonlySignal<readonly LiveStyle[]>,
      own: own as ReadonlySignal<readonly LiveStyle[]>,
      chosen: chosen as ReadonlySignal<string | null>,
      style,
      preset,
      strength: strength as ReadonlySignal<number>,
      problem: problem as ReadonlySignal<Problem | null>,

      /** @param first the slug to begin with, where there is such a preset */
      async load(from: Shelf, first: string | null) {
        shelf = from;
        try {
          const styles = await from.presets();
          batch(() => {
            presets.value = styles;
            problem.value = null;
            chosen.value = (styles.find(({ slug }) => slug === first) ?? styles[0])?.slug ?? null;
          });
        } catch (error) {
          problem.value = asProblem(error);
        }
      },
      /** The painter is open, with this model: what another one has said of the styles no longer holds. */
      async paintWith(model: Model) {
        vectors.clear();
        await shelf?.paintWith(model);
      },
      /** Paint with what is chosen, once there is a painter. */
      apply: () => (chosen.peek() === null ? Promise.resolve() : pick(chosen.peek()!)),
      /** Keep thumbnails and vectors for when there is no network. */
      async keep() {
        await shelf?.keep().catch(() => undefined);
      },
      pick,
      /** A picture of one's own: it is looked at here and goes nowhere. */
      async addPicture(picture: File) {
        try {
          const vector = await ports.embed(picture);
          const url = ports.openPicture(picture);
          const slug = `own:${own.peek().length}:${picture.name}`;
          vectors.set(slug, vector);
          pictures.set(slug, picture);
          const name = picture.name.replace(/\.[^.]*$/, "");
          own.value = [{ slug, name, thumbnail: url, image: url, accent: NO_ACCENT }, ...own.peek()];
          await pick(slug);
        } catch (error) {
          problem.value = asProblem(error);
        }
      },
      setStrength(value: number) {
        strength.value = Math.min(1.5, Math.max(0, value));
        wish = chosen.peek();
        return send();
      },
      close() {
        for (const { image } of own.peek()) ports.closePicture(image);
        shelf?.close();
      },
    };
  },
);

export type StyleChoiceModel = InstanceType<typeof StyleChoice>;
