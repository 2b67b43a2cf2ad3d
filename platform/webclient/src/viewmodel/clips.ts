import { batch, computed, createModel, type ReadonlySignal, signal } from "@preact/signals";

import type { Api } from "../model/api";
import { asProblem, Problem } from "../model/problem";
import type { Clip, EditRecipe, Post, Recipe, Sound, Style } from "../model/types";
import { createListing } from "./listing";
import { createResource } from "./resource";

/** How it was painted; null for an original and for what came out of the editor. */
export const paintedBy = ({ recipe }: Pick<Clip, "recipe">): Recipe | null =>
  recipe?.kind === "restyle" ? recipe : null;

/** How it was edited; null for everything else. */
export const editedBy = ({ recipe }: Pick<Clip, "recipe">): EditRecipe | null =>
  recipe?.kind === "edit" ? recipe : null;

/** Everything that one has uploaded and painted. */
export const MyClips = createModel((api: Pick<Api, "clips" | "next" | "deleteClip">) => {
  const clips = createListing<Clip>({ first: api.clips, next: api.next, idOf: (clip) => clip.id });
  const filter = signal<"all" | "painted" | "originals">("all");
  const problem = signal<Problem | null>(null);

  return {
    clips,
    filter: filter as ReadonlySignal<"all" | "painted" | "originals">,
    problem: problem as ReadonlySignal<Problem | null>,
    shown: computed(() =>
      clips.items.value.filter(
        (clip) => filter.value === "all" || (filter.value === "painted") === (clip.recipe !== null),
      ),
    ),
    load: clips.load,
    choose(next: "all" | "painted" | "originals") {
      filter.value = next;
    },
    async remove(clip: Clip) {
      problem.value = null;
      try {
        await api.deleteClip(clip.id);
        clips.remove(clip.id);
      } catch (error) {
        problem.value = asProblem(error);
      }
    },
  };
});

/** One clip: look at it beside its original, name it, publish it. */
export const ClipPage = createModel(
  (api: Pick<Api, "clip" | "renameClip" | "deleteClip" | "style" | "sound">, clipId: string) => {
    const clip = createResource<Clip>(() => api.clip(clipId));
    const leading = signal<Style | null>(null);
    const sound = signal<Sound | null>(null);
    const naming = signal(false);
    const problem = signal<Problem | null>(null);
    const gone = signal(false);

    return {
      clip,
      naming: naming as ReadonlySignal<boolean>,
      problem: problem as ReadonlySignal<Problem | null>,
      gone: gone as ReadonlySignal<boolean>,
      original: computed(() =>
        clip.value.value && paintedBy(clip.value.value) ? (clip.value.value.parents[0] ?? null) : null,
      ),
      /** The style it was painted with most, which lends the screen its accent. */
      leading: leading as ReadonlySignal<Style | null>,
      /** The music of an edit, as long as one may use it. */
      sound: sound as ReadonlySignal<Sound | null>,
      async load() {
        await clip.load();
        const track = clip.value.value && editedBy(clip.value.value)?.edit.music?.track;
        const music = track ? api.sound(track).catch(() => null) : null;
        const styles = (clip.value.value && paintedBy(clip.value.value)?.styles) ?? [];
        const [heaviest] = styles.toSorted((one, other) => other.weight - one.weight);
        // A style may have been deleted since; the screen then stays neutral.
        leading.value = heaviest ? await api.style(heaviest.slug).catch(() => null) : null;
        sound.value = await music;
      },
      startNaming() {
        naming.value = true;
      },
      async rename(text: string) {
        const title = text.trim();
        naming.value = false;
        if (!title || title === clip.value.value?.title) return;
        try {
          clip.set(await api.renameClip(clipId, title));
        } catch (error) {
          problem.value = asProblem(error);
        }
      },
      async remove() {
        try {
          await api.deleteClip(clipId);
          gone.value = true;
        } catch (error) {
          problem.value = asProblem(error);
        }
      },
    };
  },
);

export const MOST_CAPTION = 500;
const HASHTAG = /#([\p{L}\p{N}_]+)/gu;

/** The words after # in a caption, in lower case, each once; the server reads them the same way. */
export const hashtagsIn = (caption: string): string[] => [
  ...new Set([...caption.matchAll(HASHTAG)].map((match) => (match[1] ?? "").toLowerCase())),
];

/** Show a clip to everybody. An edit has no original beside it: its time is another one. */
export const PublishClip = createModel(
  (api: Pick<Api, "publish">, clipId: string, newKey: () => string, hasOriginal: boolean = true) => {
    const caption = signal("");
    const showOriginal = signal(true);
    const phase = signal<"editing" | "sending" | "published">("editing");
    const problem = signal<Problem | null>(null);
    const post = signal<Post | null>(null);
    let order: { body: string; key: string } | null = null;

    return {
      caption: caption as ReadonlySignal<string>,
      showOriginal: showOriginal as ReadonlySignal<boolean>,
      phase: phase as ReadonlySignal<"editing" | "sending" | "published">,
      problem: problem as ReadonlySignal<Problem | null>,
      post: post as ReadonlySignal<Post | null>,
      hashtags: computed(() => hashtagsIn(caption.value)),
      canPublish: computed(() => phase.value === "editing" && caption.value.length <= MOST_CAPTION),
      write(text: string) {
        caption.value = text;
      },
      setShowOriginal(value: boolean) {
        showOriginal.value = value;
      },
      async publish() {
        if (phase.value !== "editing") return;
        const fields = {
          clip_id: clipId,
          caption: caption.value.trim(),
          show_original: hasOriginal && showOriginal.value,
        };
        const body = JSON.stringify(fields);
        // The same words again are the same post, should the first answer have been lost.
        if (order?.body !== body) order = { body, key: newKey() };
        phase.value = "sending";
        problem.value = null;
        try {
          const published = await api.publish(fields, order.key);
          batch(() => {
            post.value = published;
            phase.value = "published";
          });
        } catch (error) {
          batch(() => {
            problem.value = asProblem(error);
            phase.value = "editing";
          });
        }
      },
    };
  },
);
