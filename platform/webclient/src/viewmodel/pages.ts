import { batch, computed, createModel, effect, type ReadonlySignal, signal } from "@preact/signals";

import type { Api } from "../model/api";
import { asProblem, type Problem } from "../model/problem";
import type { Me, Post, PostFilter, Style, User } from "../model/types";
import { createListing, type Listing } from "./listing";
import { createResource } from "./resource";
import type { SessionModel } from "./session";

function postsBy(api: Pick<Api, "posts" | "next">, filter: PostFilter): Listing<Post> {
  return createListing<Post>({ first: () => api.posts(filter), next: api.next, idOf: (post) => post.id });
}

/** A person and what they have shown. */
export const Profile = createModel((api: Pick<Api, "user" | "posts" | "next">, username: string) => {
  const user = createResource<User>(() => api.user(username));
  const posts = postsBy(api, { author: username });
  return {
    user,
    posts,
    async load() {
      await Promise.all([user.load(), posts.load()]);
    },
  };
});

/** A picture that paints, and everything painted with it. */
export const StylePage = createModel((api: Pick<Api, "style" | "posts" | "next">, slug: string) => {
  const style = createResource<Style>(() => api.style(slug));
  const posts = postsBy(api, { style: slug });
  return {
    style,
    posts,
    async load() {
      await Promise.all([style.load(), posts.load()]);
    },
  };
});

export const HashtagPage = createModel((api: Pick<Api, "posts" | "next">, tag: string) => {
  const posts = postsBy(api, { hashtag: tag });
  return { posts, load: posts.load };
});

export interface SearchPorts {
  api: Pick<Api, "styles" | "posts" | "next" | "user">;
  setTimeout: (run: () => void, milliseconds: number) => unknown;
  clearTimeout: (timer: never) => void;
}

const plain = (text: string) =>
  text
    .normalize("NFD")
    .replace(/\p{Diacritic}/gu, "")
    .toLowerCase();

/** Styles by name or artist, posts by hashtag, a person by their exact name. */
export const Search = createModel((ports: SearchPorts) => {
  const { api } = ports;
  const text = signal("");
  const styles = createListing<Style>({
    first: () => api.styles("preset"),
    next: api.next,
    idOf: (style) => style.slug,
  });
  const posts = signal<readonly Post[]>([]);
  const person = signal<User | null>(null);
  const phase = signal<"idle" | "searching" | "done" | "failed">("idle");
  const problem = signal<Problem | null>(null);
  const word = computed(() => text.value.trim().replace(/^[#@]/, ""));
  let timer: unknown = null;

  const found = computed(() => {
    const needle = plain(word.value);
    return needle
      ? styles.items.value.filter((style) => plain(`${style.name} ${style.artist}`).includes(needle))
      : styles.items.value;
  });

  async function look(sought: string) {
    try {
      const tag = sought.toLowerCase();
      const tagged = /^[\p{L}\p{N}_]+$/u.test(tag) ? (await api.posts({ hashtag: tag })).results : [];
      const someone = /^[\w.@+-]+$/.test(sought) ? await api.user(sought).catch(() => null) : null;
      if (sought !== word.value) return;
      batch(() => {
        posts.value = tagged;
        person.value = someone;
        phase.value = "done";
      });
    } catch (error) {
      if (sought !== word.value) return;
      batch(() => {
        problem.value = asProblem(error);
        phase.value = "failed";
      });
    }
  }

  effect(() => {
    const sought = word.value;
    ports.clearTimeout(timer as never);
    posts.value = [];
    person.value = null;
    phase.value = sought ? "searching" : "idle";
    if (sought) timer = ports.setTimeout(() => void look(sought), 300);
    return () => ports.clearTimeout(timer as never);
  });

  return {
    text: text as ReadonlySignal<string>,
    word,
    styles,
    found,
    posts: posts as ReadonlySignal<readonly Post[]>,
    person: person as ReadonlySignal<User | null>,
    phase: phase as ReadonlySignal<"idle" | "searching" | "done" | "failed">,
    problem: problem as ReadonlySignal<Problem | null>,
    nothing: computed(
      () =>
        phase.value === "done" &&
        found.value.length === 0 &&
        posts.value.length === 0 &&
        person.value === null,
    ),
    load: styles.load,
    retry() {
      phase.value = "searching";
      void look(word.value);
    },
    write(next: string) {
      text.value = next;
    },
  };
});

/** One's own name and words. */
export const Settings = createModel((api: Pick<Api, "changeMe">, session: SessionModel) => {
  const before = session.me.peek();
  const displayName = signal(before?.display_name ?? "");
  const bio = signal(before?.bio ?? "");
  const phase = signal<"editing" | "sending" | "saved">("editing");
  const problem = signal<Problem | null>(null);
  const changed = computed(
    () => displayName.value !== session.me.value?.display_name || bio.value !== session.me.value?.bio,
  );

  return {
    displayName: displayName as ReadonlySignal<string>,
    bio: bio as ReadonlySignal<string>,
    phase: phase as ReadonlySignal<"editing" | "sending" | "saved">,
    problem: problem as ReadonlySignal<Problem | null>,
    canSave: computed(() => changed.value && phase.value !== "sending"),
    write(field: "displayName" | "bio", text: string) {
      ({ displayName, bio })[field].value = text;
      phase.value = "editing";
    },
    async save() {
      if (!changed.value || phase.value === "sending") return;
      phase.value = "sending";
      problem.value = null;
      try {
        const me: Me = await api.changeMe({ display_name: displayName.value.trim(), bio: bio.value.trim() });
        batch(() => {
          session.update(me);
          displayName.value = me.display_name;
          bio.value = me.bio;
          phase.value = "saved";
        });
      } catch (error) {
        batch(() => {
          problem.value = asProblem(error);
          phase.value = "editing";
        });
      }
    },
  };
});
