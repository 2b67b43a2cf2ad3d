import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type Signal, useModel, useSignal, useSignalEffect } from "@preact/signals";
import {
  ArrowDown,
  ArrowUp,
  Captions,
  CaptionsOff,
  Ellipsis,
  Eye,
  Flag,
  Heart,
  Images,
  MessageCircle,
  Music,
  Paintbrush,
  Play,
  Share2,
  Trash2,
  Volume2,
  VolumeX,
} from "lucide";

import type { Post, PostFilter } from "../../model/types";
import { remixUrl, type WallModel } from "../../viewmodel/posts";
import { useApp, useOnce, useT, useTitle } from "../context";
import {
  Ago,
  Avatar,
  ButtonLink,
  Empty,
  Failure,
  Field,
  IconButton,
  Skeleton,
  Spinner,
} from "../parts/basics";
import { CaptionTrack } from "../parts/captions";
import { StyleChip } from "../parts/cards";
import { Confirm, Dialog } from "../parts/dialog";
import { Icon } from "../parts/icon";
import { CommentsPanel } from "./comments";
import { ReportDialog } from "./report";

const HOLD = 280;

export function WallScreen({ source }: { source: PostFilter | { id: string } }) {
  const app = useApp();
  const t = useT();
  const single = "id" in source;
  const wall = useModel(() => app.screens.wall(source));
  useOnce(wall.load);
  useKeys(wall);
  const current = wall.current.value;
  useTitle(single ? current?.caption || t("painting") : t("feed"));

  const { posts } = wall;
  if (posts.phase.value === "failed") {
    return <Failure problem={posts.problem.value} onRetry={posts.load} />;
  }
  if (posts.empty.value) return <EmptyWall />;
  const panelOpen =
    wall.panel.value === "comments" ||
    (wall.panel.value === "report" && wall.reported.value?.target === "comment");
  return (
    <div class={`wall${panelOpen ? " with-panel" : ""}`}>
      <h1 class="unseen">{single ? current?.caption || t("painting") : t("feed")}</h1>
      {posts.phase.value === "loading" ? (
        <div class="slides">
          <div class="slide">
            <div class="stage">
              <Skeleton kind="frame" />
            </div>
          </div>
        </div>
      ) : (
        <Slides wall={wall} />
      )}
      {!single && posts.items.value.length > 1 && <Steps wall={wall} />}
      {panelOpen && current && <CommentsPanel key={current.id} post={current} wall={wall} />}
      {wall.panel.value === "report" && wall.reported.value && (
        <ReportDialog target={wall.reported.value.target} id={wall.reported.value.id} onClose={wall.close} />
      )}
      {wall.linkByHand.value && <LinkDialog url={wall.linkByHand.value} onClose={wall.closeLink} />}
    </div>
  );
}

/** The link, selected, where the browser does not let the page copy it. */
function LinkDialog({ url, onClose }: { url: string; onClose: () => void }) {
  const t = useT();
  const link = useRef<HTMLInputElement>(null);
  useEffect(() => {
    link.current?.focus();
    link.current?.select();
  }, []);
  return (
    <Dialog title={t("share")} onClose={onClose}>
      <Field label={t("link_by_hand")}>
        <input ref={link} value={url} readOnly />
      </Field>
    </Dialog>
  );
}

function EmptyWall() {
  const t = useT();
  return (
    <Empty
      whole
      icon={Images}
      title={t("feed_empty")}
      action={
        <ButtonLink kind="main" href="/create">
          {t("paint_the_first")}
        </ButtonLink>
      }
    >
      {t("feed_empty_text")}
    </Empty>
  );
}

/** The scroll position and the model's index follow each other. */
function Slides({ wall }: { wall: WallModel }) {
  const box = useRef<HTMLDivElement>(null);
  const seen = useRef(0);
  // Where a key or a button has sent the wall. Slides it passes on the way there are not what one looks at.
  const heading = useRef<number | null>(null);
  const count = wall.posts.items.value.length;

  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) {
          if (!entry.isIntersecting) continue;
          seen.current = Number((entry.target as HTMLElement).dataset.index);
          if (heading.current === null) wall.show(seen.current);
        }
      },
      { root: box.current, threshold: 0.6 },
    );
    for (const slide of box.current!.querySelectorAll(".slide")) observer.observe(slide);
    return () => observer.disconnect();
  }, [count]);

  const arrive = () => {
    const target = slideAt(box.current!, heading.current);
    const distance = target
      ? target.getBoundingClientRect().top - box.current!.getBoundingClientRect().top
      : 0;
    if (Math.abs(distance) < 2) heading.current = null;
  };
  const takeOver = () => {
    heading.current = null;
  };

  useSignalEffect(() => {
    const wanted = wall.index.value;
    if (wanted === (heading.current ?? seen.current)) return;
    const target = box.current && slideAt(box.current, wanted);
    if (!target) return;
    heading.current = wanted;
    target.scrollIntoView({ block: "start" });
    arrive(); // turned round before the wall had moved
  });

  return (
    <div
      class="slides"
      ref={box}
      role="feed"
      aria-busy={wall.posts.growing.value}
      tabIndex={-1}
      onScroll={arrive}
      onPointerDown={takeOver}
      onTouchStart={takeOver}
      onWheel={takeOver}
    >
      {wall.posts.items.value.map((post, index) => (
        <Slide key={post.id} post={post} index={index} total={count} wall={wall} />
      ))}
      {wall.posts.growing.value && (
        <div class="slides-more">
          <Spinner />
        </div>
      )}
    </div>
  );
}

const slideAt = (slides: HTMLElement, index: number | null) =>
  slides.querySelector<HTMLElement>(`[data-index="${index}"]`);

function Slide({ post, index, total, wall }: { post: Post; index: number; total: number; wall: WallModel }) {
  const { muted, i18n } = useApp();
  const { t } = i18n;
  const video = useRef<HTMLVideoElement>(null);
  const original = useRef<HTMLVideoElement>(null);
  const stuck = useSignal(false);
  const here = wall.index.value === index;
  const near = Math.abs(wall.index.value - index) <= 1;
  const plays = here && !wall.paused.value;
  const shows = here && wall.original.value;

  useEffect(() => {
    const clip = video.current!;
    if (plays)
      void clip.play().then(
        () => (stuck.value = false),
        () => (stuck.value = true),
      );
    else clip.pause();
    if (!here) clip.currentTime = 0;
  }, [plays, here]);

  useEffect(() => {
    const second = original.current;
    if (!second) return;
    if (!shows) return second.pause();
    second.currentTime = video.current?.currentTime ?? 0;
    if (plays) void second.play().catch(() => undefined);
  }, [shows, plays]);

  const hold = useHold(wall);
  const name = post.author.display_name || post.author.username;
  const portrait = post.clip.height > post.clip.width;
  return (
    <article
      class="slide"
      data-index={index}
      aria-posinset={index + 1}
      aria-setsize={total}
      aria-label={t("painting_by", { name })}
    >
      <div class="stage" style={{ "--shape": post.clip.width / post.clip.height }}>
        <div class={`stage-clip${portrait ? " portrait" : ""}`} {...hold}>
          <img class="stage-backdrop" src={post.clip.poster_url} alt="" loading={near ? "eager" : "lazy"} />
          <video
            ref={video}
            class="stage-video"
            src={near ? post.clip.video_url : undefined}
            poster={post.clip.poster_url}
            muted={muted.value}
            loop
            playsInline
            preload={here ? "auto" : "metadata"}
            aria-label={post.caption || t("painting_by", { name })}
          >
            {post.clip.captions_url && (
              <CaptionTrack url={post.clip.captions_url} on={here && wall.captions.value} />
            )}
          </video>
          {post.original && (
            <video
              ref={original}
              class={`stage-video original${shows ? " shown" : ""}`}
              src={near ? post.original.video_url : undefined}
              poster={post.original.poster_url}
              muted
              loop
              playsInline
              preload={here ? "auto" : "none"}
              aria-hidden="true"
              tabIndex={-1}
            />
          )}
          {shows && <span class="stage-tag">{t("original")}</span>}
          {here && (wall.paused.value || stuck.value) && (
            <span class="stage-play" aria-hidden="true">
              <Icon of={Play} size={48} filled />
            </span>
          )}
          <div class="stage-shade" />
        </div>
        <div class="stage-info">
          <p class="stage-author">
            <a href={`/u/${encodeURIComponent(post.author.username)}`}>
              <Avatar name={name} size="small" />
              <strong>{name}</strong>
            </a>
            <Ago at={post.created_at} />
          </p>
          {post.caption && <Caption text={post.caption} />}
          <p class="stage-styles">
            {post.styles.map((style) => (
              <StyleChip key={style.slug} style={style} />
            ))}
          </p>
          {post.sound && (
            <button
              type="button"
              class="sound-chip"
              aria-busy={wall.beginning.value}
              onClick={() => void wall.takeSound(post)}
            >
              <Icon of={Music} size={18} />
              <span>{[post.sound.title, post.sound.author].filter(Boolean).join(" · ")}</span>
              <strong>{t("use_this_sound")}</strong>
            </button>
          )}
          {post.credits.length > 0 && (
            <p class="stage-credits">{`${t("credits")}: ${post.credits.join(" · ")}`}</p>
          )}
        </div>
        <Rail post={post} wall={wall} here={here} />
      </div>
    </article>
  );
}

/** A short tap pauses; holding shows the original. */
function useHold(wall: WallModel) {
  const timer = useRef(0);
  const start = useRef<{ x: number; y: number } | null>(null);
  const end = () => {
    clearTimeout(timer.current);
    start.current = null;
    wall.hold(false);
  };
  return {
    onPointerDown: (event: PointerEvent) => {
      if (event.button !== 0 || (event.target as Element).closest("a, button")) return;
      start.current = { x: event.clientX, y: event.clientY };
      timer.current = window.setTimeout(() => wall.hold(true), HOLD);
    },
    onPointerMove: (event: PointerEvent) => {
      const from = start.current;
      if (from && Math.hypot(event.clientX - from.x, event.clientY - from.y) > 12) end();
    },
    onPointerUp: () => {
      if (start.current && !wall.original.value) wall.togglePause();
      end();
    },
    onPointerCancel: end,
    onPointerLeave: end,
    onContextMenu: (event: Event) => start.current && event.preventDefault(),
  };
}

export function Caption({ text }: { text: string }) {
  const parts = text.split(/(#[\p{L}\p{N}_]+)/u);
  return (
    <p class="caption">
      {parts.map((part, index) =>
        part.startsWith("#") && part.length > 1 ? (
          <a key={index} href={`/t/${encodeURIComponent(part.slice(1).toLowerCase())}`}>
            {part}
          </a>
        ) : (
          part
        ),
      )}
    </p>
  );
}

function Rail({ post, wall, here }: { post: Post; wall: WallModel; here: boolean }) {
  const { muted, toggleSound, i18n } = useApp();
  const { t } = i18n;
  const tab = here ? 0 : -1;
  return (
    <div class="rail">
      <RailButton
        icon={Heart}
        filled={post.liked}
        pressed={post.liked}
        label={t(post.liked ? "unlike" : "like")}
        text={i18n.count(post.like_count)}
        tab={tab}
        onClick={() => wall.like(post)}
      />
      <RailButton
        icon={MessageCircle}
        label={t("comments")}
        text={i18n.count(post.comment_count)}
        tab={tab}
        expanded={here && wall.panel.value === "comments"}
        onClick={() => wall.open("comments")}
      />
      <a
        class="rail-button"
        href={remixUrl(post)}
        tabIndex={tab}
        aria-label={t("paint_with_this")}
        data-tip={t("paint_with_this")}
      >
        <Icon of={Paintbrush} size={26} />
        <span>{t("paint")}</span>
      </a>
      {post.original && (
        <RailButton
          icon={Eye}
          label={t("see_original")}
          text={t("original")}
          tab={tab}
          pressed={here && wall.original.value}
          onClick={() => wall.hold(!wall.original.value)}
        />
      )}
      <RailButton
        icon={Share2}
        label={t("share")}
        text={t("share")}
        tab={tab}
        onClick={() => void wall.share(post)}
      />
      {post.clip.has_audio && (
        <RailButton
          icon={muted.value ? VolumeX : Volume2}
          label={t(muted.value ? "sound_on" : "sound_off")}
          tab={tab}
          onClick={toggleSound}
        />
      )}
      {post.clip.captions_url && (
        <RailButton
          icon={wall.captions.value ? Captions : CaptionsOff}
          label={t(wall.captions.value ? "captions_off" : "captions_on")}
          tab={tab}
          onClick={wall.toggleCaptions}
        />
      )}
      <More post={post} wall={wall} tab={tab} />
    </div>
  );
}

function RailButton({
  icon,
  label,
  text,
  filled = false,
  pressed,
  expanded,
  tab,
  onClick,
}: {
  icon: Parameters<typeof Icon>[0]["of"];
  label: string;
  text?: string;
  filled?: boolean;
  pressed?: boolean;
  expanded?: boolean;
  tab: number;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      class={`rail-button${pressed ? " on" : ""}`}
      aria-label={text && /\d/.test(text) ? `${label}, ${text}` : label}
      aria-pressed={pressed}
      aria-expanded={expanded}
      data-tip={label}
      tabIndex={tab}
      onClick={onClick}
    >
      <Icon of={icon} size={26} filled={filled} />
      {text && <span>{text}</span>}
    </button>
  );
}

function More({ post, wall, tab }: { post: Post; wall: WallModel; tab: number }) {
  const t = useT();
  const asking = useSignal(false);
  const open = useSignal(false);
  const anchor = useRef<HTMLDivElement>(null);
  useLeaving(anchor, open);
  if (!post.mine) {
    return (
      <RailButton icon={Flag} label={t("report")} tab={tab} onClick={() => wall.report("post", post.id)} />
    );
  }
  return (
    <div class="menu-anchor" ref={anchor}>
      <RailButton
        icon={Ellipsis}
        label={t("more")}
        tab={tab}
        expanded={open.value}
        onClick={() => (open.value = !open.value)}
      />
      {open.value && (
        <div class="menu">
          <button type="button" onClick={() => ((asking.value = true), (open.value = false))}>
            <Icon of={Trash2} size={20} /> {t("delete_post")}
          </button>
        </div>
      )}
      {asking.value && (
        <Confirm
          title={t("delete_post")}
          text={t("delete_post_text")}
          yes={t("delete")}
          onYes={() => void wall.remove(post)}
          onClose={() => (asking.value = false)}
        />
      )}
    </div>
  );
}

/** An open menu closes on Escape and on whatever happens beside it. */
function useLeaving(anchor: RefObject<HTMLElement | null>, open: Signal<boolean>) {
  useSignalEffect(() => {
    if (!open.value) return;
    const leave = (event: Event) => {
      const inside = anchor.current?.contains(event.target as Node) ?? false;
      if (event instanceof KeyboardEvent ? event.key === "Escape" : !inside) open.value = false;
    };
    const events = ["keydown", "pointerdown", "focusin"];
    for (const name of events) document.addEventListener(name, leave);
    return () => events.forEach((name) => document.removeEventListener(name, leave));
  });
}

function Steps({ wall }: { wall: WallModel }) {
  const t = useT();
  const last = wall.posts.items.value.length - 1;
  return (
    <div class="steps">
      <IconButton
        icon={ArrowUp}
        label={t("previous_post")}
        disabled={wall.index.value === 0}
        onClick={() => wall.step(-1)}
      />
      <IconButton
        icon={ArrowDown}
        label={t("next_post")}
        disabled={wall.index.value >= last}
        onClick={() => wall.step(1)}
      />
    </div>
  );
}

/** J and K walk, L likes, M is the sound, C the comments, O the original, space stops. */
function useKeys(wall: WallModel) {
  const app = useApp();
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (target.closest("input, textarea, select, dialog, [contenteditable]")) return;
      if (event.key === " " && target.closest("button, a")) return;
      const post = wall.current.value;
      const verbs: Record<string, () => void> = {
        j: () => wall.step(1),
        k: () => wall.step(-1),
        ArrowDown: () => wall.step(1),
        ArrowUp: () => wall.step(-1),
        m: app.toggleSound,
        l: () => post && void wall.like(post),
        c: () => wall.open("comments"),
        o: () => wall.hold(true),
        " ": wall.togglePause,
        Escape: wall.close,
      };
      const verb = verbs[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!verb) return;
      event.preventDefault();
      verb();
    };
    const release = (event: KeyboardEvent) => event.key.toLowerCase() === "o" && wall.hold(false);
    document.addEventListener("keydown", press);
    document.addEventListener("keyup", release);
    return () => {
      document.removeEventListener("keydown", press);
      document.removeEventListener("keyup", release);
    };
  }, []);
}
