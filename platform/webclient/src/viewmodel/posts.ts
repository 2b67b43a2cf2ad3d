import { batch, computed, createModel, type ReadonlySignal, signal } from "@preact/signals";

import type { Api } from "../model/api";
import { asProblem, type Problem } from "../model/problem";
import type { Comment, Page, Post, PostFilter, ReportReason } from "../model/types";
import { createListing, type Listing } from "./listing";
import { NewEdit } from "./projects";

export interface Likable {
  change(id: string, change: (post: Post) => Post): void;
}

/** Show the heart at once; take it back if the server did not hear. */
export async function toggleLike(api: Pick<Api, "like">, list: Likable, post: Post): Promise<Problem | null> {
  const liked = !post.liked;
  list.change(post.id, (now) => ({ ...now, liked, like_count: now.like_count + (liked ? 1 : -1) }));
  try {
    const answer = await api.like(post.id, liked);
    list.change(post.id, (now) => ({ ...now, ...answer }));
    return null;
  } catch (error) {
    list.change(post.id, (now) => ({ ...now, liked: post.liked, like_count: post.like_count }));
    return asProblem(error);
  }
}

export const remixUrl = (post: Post) =>
  `/create?styles=${post.styles.map(({ slug }) => encodeURIComponent(slug)).join(",")}`;

export interface SharingPorts {
  /** Of this site: what its addresses begin with. */
  origin: string;
  /** The device's own way to pass something on; null where it has none, or a mouse, which a link is enough for. */
  sheet: () => ((shared: { title: string; url: string }) => Promise<void>) | null;
  /** Refused by some browsers, and missing on insecure pages. */
  copyText: (text: string) => Promise<void>;
}

export interface FeedPorts {
  api: Pick<Api, "posts" | "post" | "next" | "like" | "deletePost" | "createProject">;
  newKey: () => string;
  go: (path: string) => void;
  /** Ask the visitor to sign in; true when somebody is here already. */
  member: () => boolean;
  say: (message: "link_copied" | "post_deleted" | "try_again", problem?: Problem) => void;
  sharing: SharingPorts;
  /** The visitor asked for less motion: nothing starts by itself. */
  calm: () => boolean;
}

/** The wall: one post fills the view, and one walks along. `source` is a filter, or one post by its id. */
export const Wall = createModel((ports: FeedPorts, source: PostFilter | { id: string }) => {
  const { api } = ports;
  const posts: Listing<Post> = createListing<Post>({
    first: async (): Promise<Page<Post>> =>
      "id" in source
        ? { results: [await api.post(source.id)], next: null, previous: null }
        : await api.posts(source),
    next: api.next,
    idOf: (post) => post.id,
  });
  const index = signal(0);
  const paused = signal(ports.calm());
  const original = signal(false);
  const panel = signal<"none" | "comments" | "report">("none");
  const reported = signal<{ target: "post" | "comment"; id: string } | null>(null);
  const captions = signal(false);
  const linkByHand = signal<string | null>(null);
  const fresh = new NewEdit(api, ports.newKey);
  const current = computed<Post | null>(() => posts.items.value[index.value] ?? null);

  function show(next: number) {
    const last = posts.items.value.length - 1;
    const target = Math.max(0, Math.min(next, last));
    batch(() => {
      if (target !== index.value) {
        paused.value = ports.calm();
        original.value = false;
      }
      index.value = target;
    });
    if (target >= last - 2) void posts.more();
  }

  /** @returns false where there is no sheet, or the browser refuses it; true also for who thought better of it */
  async function passOn(title: string, url: string): Promise<boolean> {
    const sheet = ports.sharing.sheet();
    if (!sheet) return false;
    try {
      await sheet({ title, url });
      return true;
    } catch (error) {
      return error instanceof DOMException && error.name === "AbortError";
    }
  }

  return {
    posts,
    index: index as ReadonlySignal<number>,
    paused: paused as ReadonlySignal<boolean>,
    original: original as ReadonlySignal<boolean>,
    panel: panel as ReadonlySignal<"none" | "comments" | "report">,
    reported: reported as ReadonlySignal<{ target: "post" | "comment"; id: string } | null>,
    /** Captions are shown: off at first, because an edit has its words in the picture. */
    captions: captions as ReadonlySignal<boolean>,
    /** A link that the browser does not let the page copy. */
    linkByHand: linkByHand as ReadonlySignal<string | null>,
    /** An edit with somebody's music is being begun. */
    beginning: computed(() => fresh.phase.value === "sending"),
    current,
    load: posts.load,
    show,
    step: (by: 1 | -1) => show(index.value + by),
    togglePause() {
      paused.value = !paused.value;
    },
    /** Held down: the original shows through; let go: the painting is back. */
    hold(down: boolean) {
      original.value = down && current.value?.original != null;
    },
    open(next: "none" | "comments") {
      panel.value = panel.value === next ? "none" : next;
    },
    report(target: "post" | "comment", id: string) {
      if (!ports.member()) return;
      batch(() => {
        reported.value = { target, id };
        panel.value = "report";
      });
    },
    close() {
      panel.value = reported.value?.target === "comment" && panel.value === "report" ? "comments" : "none";
      reported.value = null;
    },
    async like(post: Post) {
      if (!ports.member()) return;
      const problem = await toggleLike(api, posts, post);
      if (problem) ports.say("try_again", problem);
    },
    async share(post: Pick<Post, "id" | "caption">) {
      const url = `${ports.sharing.origin}/p/${post.id}`;
      if (await passOn(post.caption || "Impasto", url)) return;
      try {
        await ports.sharing.copyText(url);
        ports.say("link_copied");
      } catch {
        linkByHand.value = url;
      }
    },
    closeLink() {
      linkByHand.value = null;
    },
    toggleCaptions() {
      captions.value = !captions.value;
    },
    /** Begin an edit with the music of a post. */
    async takeSound({ sound }: Pick<Post, "sound">) {
      if (!sound || fresh.phase.peek() === "sending" || !ports.member()) return;
      const begun = await fresh.createWithSound(sound);
      if (begun) ports.go(`/edit/${begun.id}`);
      else ports.say("try_again", fresh.problem.peek() ?? undefined);
    },
    async remove(post: Post) {
      try {
        await api.deletePost(post.id);
        posts.remove(post.id);
        show(index.value);
        ports.say("post_deleted");
      } catch (error) {
        ports.say("try_again", asProblem(error));
      }
    },
    countComments(postId: string, by: number) {
      posts.change(postId, (post) => ({ ...post, comment_count: Math.max(0, post.comment_count + by) }));
    },
  };
});

export type WallModel = InstanceType<typeof Wall>;

/** The talk under one post. */
export const Comments = createModel(
  (
    api: Pick<Api, "comments" | "addComment" | "deleteComment" | "next">,
    postId: string,
    onCount: (by: number) => void,
  ) => {
    const list = createListing<Comment>({
      first: () => api.comments(postId),
      next: api.next,
      idOf: (comment) => comment.id,
    });
    const draft = signal("");
    const phase = signal<"editing" | "sending">("editing");
    const problem = signal<Problem | null>(null);

    return {
      list,
      draft: draft as ReadonlySignal<string>,
      problem: problem as ReadonlySignal<Problem | null>,
      phase: phase as ReadonlySignal<string>,
      canSend: computed(() => phase.value === "editing" && draft.value.trim() !== ""),
      load: list.load,
      write(text: string) {
        draft.value = text;
      },
      async send() {
        const text = draft.value.trim();
        if (!text || phase.value === "sending") return;
        phase.value = "sending";
        problem.value = null;
        try {
          const comment = await api.addComment(postId, text);
          batch(() => {
            list.prepend(comment);
            draft.value = "";
            onCount(1);
          });
        } catch (error) {
          problem.value = asProblem(error);
        } finally {
          phase.value = "editing";
        }
      },
      async remove(id: string) {
        problem.value = null;
        try {
          await api.deleteComment(id);
          list.remove(id);
          onCount(-1);
        } catch (error) {
          problem.value = asProblem(error);
        }
      },
    };
  },
);

/** Tell the moderators. */
export const Report = createModel((api: Pick<Api, "report">, target: "post" | "comment", id: string) => {
  const reason = signal<ReportReason | null>(null);
  const detail = signal("");
  const phase = signal<"editing" | "sending" | "sent">("editing");
  const problem = signal<Problem | null>(null);

  return {
    reason: reason as ReadonlySignal<ReportReason | null>,
    detail: detail as ReadonlySignal<string>,
    phase: phase as ReadonlySignal<"editing" | "sending" | "sent">,
    problem: problem as ReadonlySignal<Problem | null>,
    canSend: computed(() => phase.value === "editing" && reason.value !== null),
    choose(next: ReportReason) {
      reason.value = next;
    },
    write(text: string) {
      detail.value = text;
    },
    async send() {
      if (reason.value === null || phase.value !== "editing") return;
      phase.value = "sending";
      try {
        await api.report({ target, target_id: id, reason: reason.value, detail: detail.value.trim() });
        phase.value = "sent";
      } catch (error) {
        batch(() => {
          problem.value = asProblem(error);
          phase.value = "editing";
        });
      }
    },
  };
});
