import { useEffect, useRef } from "preact/hooks";
import { Heart, ImagePlus, MessageCircle, Paintbrush, Scissors } from "lucide";

import type { Clip, Post, Style, StyleBrief } from "../../model/types";
import { clock } from "../../viewmodel/i18n";
import type { Listing } from "../../viewmodel/listing";
import { useApp, useT } from "../context";
import { Failure, InlineProblem, Skeleton, Spinner } from "./basics";
import { Icon } from "./icon";

/** A picture that starts moving under the pointer or the keyboard's focus. */
function LivePicture({ video, poster }: { video: string; poster: string }) {
  const element = useRef<HTMLVideoElement>(null);
  const box = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const link = box.current?.closest("a");
    const start = () => {
      const clip = element.current;
      if (!clip || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
      if (!clip.src) clip.src = video;
      void clip.play().catch(() => undefined);
    };
    const stop = () => element.current?.pause();
    link?.addEventListener("pointerenter", start);
    link?.addEventListener("pointerleave", stop);
    link?.addEventListener("focus", start);
    link?.addEventListener("blur", stop);
    return () => {
      link?.removeEventListener("pointerenter", start);
      link?.removeEventListener("pointerleave", stop);
      link?.removeEventListener("focus", start);
      link?.removeEventListener("blur", stop);
    };
  }, [video]);
  return (
    <span class="live-picture" ref={box}>
      <video
        ref={element}
        poster={poster}
        muted
        loop
        playsInline
        preload="none"
        aria-hidden="true"
        tabIndex={-1}
      />
    </span>
  );
}

export function PostTile({ post }: { post: Post }) {
  const { i18n } = useApp();
  const { t } = i18n;
  const name = post.caption || t("painting_by", { name: post.author.display_name || post.author.username });
  return (
    <a class="tile post-tile" href={`/p/${post.id}`}>
      <LivePicture video={post.clip.video_url} poster={post.clip.poster_url} />
      <span class="unseen">{name}</span>
      <span class="tile-foot">
        <span>
          <Icon of={Heart} size={16} filled={post.liked} />
          {i18n.count(post.like_count)}
          <span class="unseen">{t("likes")}</span>
        </span>
        <span>
          <Icon of={MessageCircle} size={16} />
          {i18n.count(post.comment_count)}
          <span class="unseen">{t("comments")}</span>
        </span>
      </span>
    </a>
  );
}

export function ClipTile({ clip }: { clip: Clip }) {
  const t = useT();
  return (
    <a class="tile clip-tile" href={`/clip/${clip.id}`}>
      <LivePicture video={clip.video_url} poster={clip.poster_url} />
      <span class="tile-badge">{clock(clip.duration_seconds)}</span>
      <span class="clip-name">
        <strong>{clip.title || t("untitled")}</strong>
        <small>
          {clip.recipe?.kind === "edit" ? (
            <>
              <Icon of={Scissors} size={14} /> {t("edited")}
            </>
          ) : clip.recipe ? (
            <>
              <Icon of={Paintbrush} size={14} /> {clip.recipe.styles.map(({ name }) => name).join(" + ")}
            </>
          ) : (
            t("original")
          )}
        </small>
      </span>
    </a>
  );
}

export function StyleChip({ style }: { style: StyleBrief }) {
  return (
    <a class="style-chip" href={`/s/${encodeURIComponent(style.slug)}`}>
      <img src={style.thumbnail_url} alt="" loading="lazy" />
      <span>{style.name}</span>
    </a>
  );
}

export function StyleTile({ style }: { style: Style }) {
  return (
    <a class="tile style-tile" href={`/s/${encodeURIComponent(style.slug)}`}>
      <img src={style.thumbnail_url} alt={style.name} loading="lazy" />
      <span class="style-name" aria-hidden="true">
        <strong>{style.name}</strong>
        <small>{style.artist}</small>
      </span>
    </a>
  );
}

export function AddPicture({ onPick, busy }: { onPick: (image: File) => void; busy: boolean }) {
  const t = useT();
  return (
    <label class={`style-pick add${busy ? " busy" : ""}`}>
      <span class="style-thumb">{busy ? <Spinner /> : <Icon of={ImagePlus} />}</span>
      <span class="style-caption">{t("own_picture")}</span>
      <input
        type="file"
        class="unseen"
        accept="image/jpeg,image/png,image/webp"
        disabled={busy}
        onChange={(event) => {
          const [image] = event.currentTarget.files ?? [];
          event.currentTarget.value = "";
          if (image) onPick(image);
        }}
      />
    </label>
  );
}

/** Calls `onReach` when the reader comes near the end of a list. */
export function Sentinel({ onReach }: { onReach: () => void }) {
  const element = useRef<HTMLDivElement>(null);
  const reach = useRef(onReach);
  reach.current = onReach;
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && reach.current(), {
      rootMargin: "600px",
    });
    observer.observe(element.current!);
    return () => observer.disconnect();
  }, []);
  return <div ref={element} class="sentinel" aria-hidden="true" />;
}

/** A list of posts as a wall of tiles, with its four states. */
export function PostGrid({ posts, empty }: { posts: Listing<Post>; empty: preact.ComponentChildren }) {
  if (posts.phase.value === "loading" && posts.items.value.length === 0) {
    return (
      <div class="grid">
        <Skeleton kind="tile" count={6} />
      </div>
    );
  }
  if (posts.phase.value === "failed") return <Failure problem={posts.problem.value} onRetry={posts.load} />;
  if (posts.empty.value) return <>{empty}</>;
  return (
    <>
      <div class="grid">
        {posts.items.value.map((post) => (
          <PostTile key={post.id} post={post} />
        ))}
      </div>
      {posts.problem.value && <InlineProblem problem={posts.problem.value} onRetry={posts.more} />}
      {posts.hasMore.value && <Sentinel onReach={posts.more} />}
    </>
  );
}

/** A style to choose; the chosen one comes into view. */
export function StylePick({
  name,
  thumbnail,
  chosen,
  disabled,
  onPick,
}: {
  name: string;
  thumbnail: string;
  chosen: boolean;
  disabled: boolean;
  onPick: () => void;
}) {
  const element = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (chosen) element.current?.scrollIntoView({ inline: "center", block: "nearest" });
  }, [chosen]);
  return (
    <button
      ref={element}
      type="button"
      class="style-pick"
      aria-pressed={chosen}
      disabled={disabled}
      onClick={onPick}
    >
      <span class="style-thumb">
        <img src={thumbnail} alt="" loading="lazy" draggable={false} />
      </span>
      <span class="style-caption">{name}</span>
    </button>
  );
}
