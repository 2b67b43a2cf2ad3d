import { type ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type ReadonlySignal, useSignal, useSignalEffect } from "@preact/signals";
import {
  Blend,
  Bookmark,
  CircleAlert,
  Image,
  Mic,
  Music,
  Paintbrush,
  Plus,
  Rewind,
  Sticker,
  Type,
} from "lucide";

import type { Clip, Segment } from "../../model/types";
import type { EditModel } from "../../viewmodel/edit";
import { clock } from "../../viewmodel/i18n";
import { useT } from "../context";
import { Icon, type IconNode } from "../parts/icon";
import { beginDrag, wasDrag } from "./drag";

const TRACK = 60;
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60];
const LABEL_PIXELS = 64;
/** So much beyond the edges is drawn too, so that scrolling does not show gaps. */
const CHUNK = 300;

interface Scale {
  /** pixels of a frame */
  px: number;
  rate: number;
  frames: number;
  /** Pixels of the video that are in sight or nearly so */
  from: number;
  to: number;
}

/** The tracks, one above the other, under a playhead that stays in the middle. */
export function TimelineView({
  edit,
  onAddClip,
  onMusic,
}: {
  edit: EditModel;
  onAddClip: () => void;
  onMusic: () => void;
}) {
  const t = useT();
  const box = useRef<HTMLDivElement>(null);
  const width = useSignal(0);
  const chunk = useSignal(0);
  useScrolling(box, edit, width, chunk);

  const { frames, rate } = edit.timeline.value;
  const px = edit.pixelsPerSecond.value / rate;
  const left = chunk.value * CHUNK;
  const scale = {
    px,
    rate,
    frames,
    from: left - width.value / 2 - CHUNK,
    to: left + width.value / 2 + 2 * CHUNK,
  };
  return (
    <section class="timeline" aria-label={t("timeline")}>
      <div
        class="tl-scroll"
        role="presentation"
        ref={box}
        onClick={(event) => {
          if (!wasDrag() && !(event.target as Element).closest("button, .tl-ruler")) edit.select(null);
        }}
      >
        <div class="tl-inner" style={{ width: `${frames * px + width.value}px` }}>
          <div class="tl-origin" style={{ marginLeft: `${width.value / 2}px`, width: `${frames * px}px` }}>
            <Ruler edit={edit} scale={scale} />
            <VideoTrack edit={edit} scale={scale} onAddClip={onAddClip} />
            <OverTrack edit={edit} scale={scale} kind="texts" icon={Type} name={t("words_track")} />
            <OverTrack edit={edit} scale={scale} kind="stickers" icon={Sticker} name={t("stickers_track")} />
            <MusicTrack edit={edit} scale={scale} onMusic={onMusic} />
            <OverTrack edit={edit} scale={scale} kind="voices" icon={Mic} name={t("voices_track")} />
            <SnapLine edit={edit} px={px} />
          </div>
        </div>
      </div>
      <span class="tl-playhead" aria-hidden="true" />
    </section>
  );
}

function SnapLine({ edit, px }: { edit: EditModel; px: number }) {
  const frame = edit.snapFrame.value;
  return frame === null ? null : (
    <span class="tl-snap" style={{ left: `${frame * px}px` }} aria-hidden="true" />
  );
}

/** Scrolling is seeking, and seeking scrolls; two fingers or Ctrl and the wheel zoom. */
function useScrolling(
  box: { current: HTMLDivElement | null },
  edit: EditModel,
  width: { value: number },
  chunk: { value: number },
) {
  /** Where we put it ourselves; any other place is a person's wish. */
  const expected = useRef(0);
  useEffect(() => {
    const element = box.current!;
    const put = () => {
      const px = edit.pixelsPerSecond.peek() / edit.timeline.peek().rate;
      element.scrollLeft = edit.frame.peek() * px;
      expected.current = element.scrollLeft;
      chunk.value = Math.floor(element.scrollLeft / CHUNK);
    };
    const observer = new ResizeObserver(() => {
      width.value = element.clientWidth;
      requestAnimationFrame(put);
    });
    observer.observe(element);
    const scroll = () => {
      chunk.value = Math.floor(element.scrollLeft / CHUNK);
      if (Math.abs(element.scrollLeft - expected.current) < 1.5) return;
      expected.current = element.scrollLeft;
      edit.pause();
      edit.seek((element.scrollLeft / edit.pixelsPerSecond.peek()) * edit.timeline.peek().rate);
    };
    const wheel = (event: WheelEvent) => {
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        edit.zoom(Math.exp(-event.deltaY * 0.005));
      } else if (!event.shiftKey && Math.abs(event.deltaY) > Math.abs(event.deltaX)) {
        if (element.scrollHeight > element.clientHeight + 1) return;
        event.preventDefault();
        element.scrollLeft += event.deltaY;
      }
    };
    let spread = 0;
    const touch = (event: TouchEvent) => {
      const [one, other] = event.touches;
      if (!one || !other) return;
      const now = Math.hypot(other.clientX - one.clientX, other.clientY - one.clientY);
      if (event.type === "touchmove" && spread > 0) edit.zoom(now / spread);
      spread = now;
      if (event.cancelable) event.preventDefault();
    };
    element.addEventListener("scroll", scroll, { passive: true });
    element.addEventListener("wheel", wheel, { passive: false });
    element.addEventListener("touchstart", touch, { passive: false });
    element.addEventListener("touchmove", touch, { passive: false });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", scroll);
      element.removeEventListener("wheel", wheel);
      element.removeEventListener("touchstart", touch);
      element.removeEventListener("touchmove", touch);
    };
  }, [edit]);
  useSignalEffect(() => {
    const element = box.current;
    const px = edit.pixelsPerSecond.value / edit.timeline.value.rate;
    const target = edit.frame.value * px;
    // Between two frames a finger's place is as good as ours.
    if (!element || Math.abs(element.scrollLeft - target) <= px / 2 + 1) return;
    requestAnimationFrame(() => {
      element.scrollLeft = target;
      expected.current = element.scrollLeft;
    });
  });
}

function Ruler({ edit, scale }: { edit: EditModel; scale: Scale }) {
  const second = scale.px * scale.rate;
  const step = STEPS.find((one) => one * second >= LABEL_PIXELS) ?? 60;
  const first = Math.max(0, Math.floor(scale.from / second / step));
  const last = Math.min(scale.frames / scale.rate / step, scale.to / second / step);
  const marks = [];
  for (let mark = first; mark <= last; mark++) marks.push(mark * step);
  const at = (seconds: number) => ({ left: `${seconds * second}px` });
  return (
    <div
      class="tl-ruler"
      role="presentation"
      onPointerDown={(event) => {
        if (event.pointerType === "touch") return;
        const start = edit.frame.peek();
        beginDrag(event, {
          start: () => edit.pause(),
          move: (dx) => edit.seek(start - dx / scale.px),
          end: () => undefined,
        });
      }}
      onClick={(event) => {
        if (wasDrag()) return;
        edit.pause();
        edit.seek((event.clientX - event.currentTarget.getBoundingClientRect().left) / scale.px);
      }}
    >
      <PlayheadSlider edit={edit} />
      {marks.map((seconds) => (
        <span key={seconds} class="tl-mark" style={at(seconds)} aria-hidden="true">
          {clock(seconds, step < 1)}
        </span>
      ))}
      {edit.list.value.markers.map((seconds) => (
        <span key={seconds} class="tl-marker" style={at(seconds)} aria-hidden="true">
          <Icon of={Bookmark} size={14} filled />
        </span>
      ))}
      <span class="tl-cover" style={at(edit.list.value.cover)} aria-hidden="true">
        <Icon of={Image} size={14} />
      </span>
    </div>
  );
}

/** The playhead for the keyboard and for readers: a slider that is nowhere to be seen but in the ruler's focus ring. */
function PlayheadSlider({ edit }: { edit: EditModel }) {
  const t = useT();
  const { frames, rate } = edit.timeline.value;
  const frame = edit.frame.value;
  return (
    <input
      class="tl-slider"
      type="range"
      min={0}
      max={Math.max(0, frames - 1)}
      step={1}
      value={frame}
      aria-label={t("playhead")}
      aria-valuetext={t("playhead_at", {
        time: clock(frame / rate, true),
        length: clock(frames / rate, true),
        frame,
      })}
      onInput={(event) => edit.seek(event.currentTarget.valueAsNumber)}
    />
  );
}

// ---- the picture's track ----

function VideoTrack({ edit, scale, onAddClip }: { edit: EditModel; scale: Scale; onAddClip: () => void }) {
  const t = useT();
  /** Where a dragged segment would lie: before which one */
  const drop = useSignal<number | null>(null);
  const { placed } = edit.timeline.value;
  const dropAt = drop.value === null ? null : (placed[drop.value]?.span.start ?? scale.frames);
  const chosen = edit.selected.value;
  return (
    <div class="tl-track video" role="group" aria-label={t("video_track")}>
      {placed.map(({ segment, span }, index) => (
        <SegmentBlock
          key={segment.id}
          edit={edit}
          scale={scale}
          segment={segment}
          start={span.start}
          frames={span.end - span.start}
          index={index}
          drop={drop}
          isFirstStop={chosen?.kind === "segments" ? chosen.id === segment.id : index === 0}
        />
      ))}
      {dropAt !== null && (
        <span class="tl-drop" style={{ left: `${dropAt * scale.px}px` }} aria-hidden="true" />
      )}
      <button
        type="button"
        class="tl-add"
        style={{ left: `${scale.frames * scale.px + 8}px` }}
        aria-label={t("add_clip")}
        data-tip={t("add_clip")}
        onClick={onAddClip}
      >
        <Icon of={Plus} />
      </button>
    </div>
  );
}

function SegmentBlock({
  edit,
  scale,
  segment,
  start,
  frames,
  index,
  drop,
  isFirstStop,
}: {
  edit: EditModel;
  scale: Scale;
  segment: Segment;
  start: number;
  frames: number;
  index: number;
  drop: { value: number | null };
  isFirstStop: boolean;
}) {
  const t = useT();
  const element = useRef<HTMLButtonElement>(null);
  const shift = useSignal(0);
  const clip = edit.clips.value[segment.clip];
  const loud = edit.clipPeaks.value[segment.clip] ?? [];
  const forwards = loud.slice(Math.floor(segment.start * 20), Math.ceil(segment.end * 20));
  const wave = segment.reverse ? forwards.toReversed() : forwards;
  const chosen = edit.selected.value?.id === segment.id;
  const width = frames * scale.px;
  useFocusWhen(element, chosen);
  const name = clip ? clip.title || t("untitled") : t("missing_clip");
  const isPainting = segment.id in edit.painting.value;
  return (
    <button
      ref={element}
      type="button"
      class={`tl-item tl-segment${clip ? "" : " missing"}`}
      style={{ left: `${start * scale.px}px`, width: `${width}px`, translate: `${shift.value}px 0` }}
      aria-pressed={chosen}
      aria-label={t("segment_label", {
        count: index + 1,
        name,
        length: (frames / scale.rate).toFixed(1),
        start: clock(start / scale.rate, true),
      })}
      tabIndex={isFirstStop ? 0 : -1}
      onClick={(event) => choose(event, () => edit.select({ kind: "segments", id: segment.id }))}
      onKeyDown={(event) => itemKey(event, edit)}
      onContextMenu={(event) => event.preventDefault()}
      onPointerDown={(event) => {
        const at = element.current!.getBoundingClientRect().left;
        const grabbed = event.clientX - at;
        beginDrag(event, {
          holds: true,
          start() {
            edit.pause();
            edit.select({ kind: "segments", id: segment.id });
          },
          move(dx) {
            shift.value = dx;
            drop.value = edit.placeAt(start + (dx + grabbed) / scale.px);
          },
          end() {
            const to = drop.value;
            shift.value = 0;
            drop.value = null;
            if (to !== null) edit.reorder(segment.id, to > index ? to - 1 : to);
          },
        });
      }}
    >
      {clip ? (
        <Thumbs clip={clip} segment={segment} left={start * scale.px} width={width} scale={scale} />
      ) : (
        <span class="tl-missing">
          <Icon of={CircleAlert} size={18} /> {t("missing_clip")}
        </span>
      )}
      <Wave peaks={wave} />
      <span class="tl-badges">
        {segment.transition.kind !== "cut" && <Icon of={Blend} size={14} />}
        {segment.reverse && <Icon of={Rewind} size={14} />}
        {segment.speed !== 1 && <span>{Number(segment.speed.toFixed(2))}×</span>}
        {isPainting && (
          <span class="tl-painting">
            <Icon of={Paintbrush} size={14} /> {t("being_painted")}
          </span>
        )}
      </span>
      {chosen && <Edges edit={edit} kind="segments" id={segment.id} px={scale.px} />}
    </button>
  );
}

/** Pictures out of the clip's sprite: what the segment shows at that place. */
function Thumbs({
  clip,
  segment,
  left,
  width,
  scale,
}: {
  clip: Clip;
  segment: Segment;
  left: number;
  width: number;
  scale: Scale;
}) {
  const { sprite } = clip;
  if (!sprite) {
    return <span class="tl-thumbs poster" style={{ backgroundImage: `url("${clip.poster_url}")` }} />;
  }
  const tile = Math.max(24, TRACK * (sprite.frame_width / sprite.frame_height));
  const first = Math.max(0, Math.floor((scale.from - left) / tile));
  const last = Math.min(Math.ceil(width / tile), Math.ceil((scale.to - left) / tile));
  const tiles = [];
  for (let at = first; at < last; at++) {
    const own = ((at + 0.5) * tile * segment.speed) / scale.px / scale.rate;
    const seconds = segment.reverse ? segment.end - own : segment.start + own;
    const picture = Math.floor((seconds / clip.duration_seconds) * sprite.count);
    const index = Math.max(0, Math.min(sprite.count - 1, picture));
    tiles.push(
      <span
        key={at}
        class="tl-thumb"
        style={{
          left: `${at * tile}px`,
          width: `${tile + 0.5}px`,
          backgroundImage: `url("${sprite.url}")`,
          backgroundSize: `${sprite.columns * tile}px ${sprite.rows * TRACK}px`,
          backgroundPosition: `${-(index % sprite.columns) * tile}px ${-Math.floor(index / sprite.columns) * TRACK}px`,
        }}
      />,
    );
  }
  return <span class="tl-thumbs">{tiles}</span>;
}

/** The two edges of what is selected. For the keyboard there are I, O and Alt with the brackets. */
function Edges({
  edit,
  kind,
  id,
  px,
}: {
  edit: EditModel;
  kind: "segments" | "texts" | "stickers" | "voices";
  id: string;
  px: number;
}) {
  const edge = (which: "in" | "out") => (
    <span
      class={`tl-edge ${which}`}
      aria-hidden="true"
      onPointerDown={(event) => {
        event.stopPropagation();
        beginDrag(event, {
          start: () => edit.grab(kind, id),
          move: (dx) => edit.dragEdge(kind, id, which, dx / px),
          end: () => edit.release(),
        });
      }}
    />
  );
  return (
    <>
      {edge("in")}
      {edge("out")}
    </>
  );
}

// ---- what lies over it ----

interface Item {
  id: string;
  start: number;
  end: number;
  name: string;
  peaks: readonly number[];
}

function itemsOf(edit: EditModel, kind: "texts" | "stickers" | "voices", t: ReturnType<typeof useT>): Item[] {
  const { rate } = edit.timeline.value;
  const frame = (seconds: number) => Math.round(seconds * rate);
  const list = edit.list.value;
  if (kind === "texts") {
    return list.texts.map(({ id, start, end, text }) => ({
      id,
      start: frame(start),
      end: frame(end),
      name: text,
      peaks: [],
    }));
  }
  if (kind === "stickers") {
    return list.stickers.map(({ id, start, end, name }) => ({
      id,
      start: frame(start),
      end: frame(end),
      name: t(`sticker_${name}`),
      peaks: [],
    }));
  }
  return list.voices.map(({ id, sound, at, start, end }) => {
    const known = edit.sounds.value[sound];
    const length = (end ?? known?.duration_seconds ?? start + 1) - start;
    return {
      id,
      start: frame(at),
      end: frame(at + length),
      name: known?.title || t("voice"),
      peaks: known?.peaks.slice(Math.floor(start * 20), Math.ceil((start + length) * 20)) ?? [],
    };
  });
}

/** Things that are there at once lie in lanes, one below the other. */
function lanesOf(items: readonly Item[]): Map<string, number> {
  const ends: number[] = [];
  const lanes = new Map<string, number>();
  for (const item of items.toSorted((one, other) => one.start - other.start)) {
    const free = ends.findIndex((end) => end <= item.start);
    const lane = free === -1 ? ends.length : free;
    ends[lane] = item.end;
    lanes.set(item.id, lane);
  }
  return lanes;
}

function OverTrack({
  edit,
  scale,
  kind,
  icon,
  name,
}: {
  edit: EditModel;
  scale: Scale;
  kind: "texts" | "stickers" | "voices";
  icon: IconNode;
  name: string;
}) {
  const t = useT();
  const items = itemsOf(edit, kind, t);
  if (items.length === 0) return null;
  const lanes = lanesOf(items);
  const height = Math.max(...lanes.values()) + 1;
  const chosen = edit.selected.value;
  return (
    <div class={`tl-track over ${kind}`} style={{ "--lanes": height }} role="group" aria-label={name}>
      {items.map((item, index) => (
        <OverBlock
          key={item.id}
          edit={edit}
          scale={scale}
          kind={kind}
          item={item}
          lane={lanes.get(item.id) ?? 0}
          icon={icon}
          isFirstStop={chosen?.kind === kind ? chosen.id === item.id : index === 0}
        />
      ))}
    </div>
  );
}

function OverBlock({
  edit,
  scale,
  kind,
  item,
  lane,
  icon,
  isFirstStop,
}: {
  edit: EditModel;
  scale: Scale;
  kind: "texts" | "stickers" | "voices";
  item: Item;
  lane: number;
  icon: IconNode;
  isFirstStop: boolean;
}) {
  const t = useT();
  const element = useRef<HTMLButtonElement>(null);
  const chosen = edit.selected.value?.id === item.id;
  useFocusWhen(element, chosen);
  const length = item.end - item.start;
  return (
    <button
      ref={element}
      type="button"
      class="tl-item tl-over"
      style={{
        left: `${item.start * scale.px}px`,
        width: `${Math.max(8, length * scale.px)}px`,
        "--lane": lane,
      }}
      aria-pressed={chosen}
      aria-label={t("item_label", {
        name: item.name,
        length: (length / scale.rate).toFixed(1),
        start: clock(item.start / scale.rate, true),
      })}
      tabIndex={isFirstStop ? 0 : -1}
      onClick={(event) => choose(event, () => edit.select({ kind, id: item.id }))}
      onKeyDown={(event) => itemKey(event, edit)}
      onContextMenu={(event) => event.preventDefault()}
      onPointerDown={(event) =>
        beginDrag(event, {
          // What is selected follows the finger at once.
          holds: !chosen,
          start() {
            edit.select({ kind, id: item.id });
            edit.grab(kind, item.id);
          },
          move: (dx) => edit.dragTimed(kind, item.id, dx / scale.px),
          end: () => edit.release(),
        })
      }
    >
      <Wave peaks={item.peaks} />
      <span class="tl-name">
        <Icon of={icon} size={14} /> {item.name}
      </span>
      {chosen && <Edges edit={edit} kind={kind} id={item.id} px={scale.px} />}
    </button>
  );
}

function MusicTrack({ edit, scale, onMusic }: { edit: EditModel; scale: Scale; onMusic: () => void }) {
  const t = useT();
  const { music } = edit.list.value;
  const sound = music && edit.sounds.value[music.track];
  if (!music) {
    return (
      <div class="tl-track music">
        <button type="button" class="tl-placeholder" onClick={onMusic}>
          <Icon of={Music} size={16} /> {t("choose_music")}
        </button>
      </div>
    );
  }
  const chosen = edit.selected.value?.kind === "music";
  const rest = sound ? (sound.duration_seconds - music.start) * scale.rate : scale.frames;
  const frames = Math.max(1, Math.min(scale.frames, Math.round(rest)));
  const seconds = frames / scale.rate;
  return (
    <div class="tl-track music" role="group" aria-label={t("music_track")}>
      <button
        type="button"
        class="tl-item tl-over"
        style={{ left: 0, width: `${frames * scale.px}px`, "--lane": 0 }}
        aria-pressed={chosen}
        aria-label={t("item_label", {
          name: sound?.title ?? t("music"),
          length: seconds.toFixed(1),
          start: clock(0, true),
        })}
        onClick={(event) => choose(event, () => edit.select({ kind: "music", id: "music" }))}
        onContextMenu={(event) => event.preventDefault()}
        onPointerDown={(event) =>
          beginDrag(event, {
            holds: !chosen,
            start() {
              edit.select({ kind: "music", id: "music" });
              edit.grab("music", "music");
            },
            move: (dx) => edit.dragMusic(dx / scale.px),
            end: () => edit.release(),
          })
        }
      >
        <Wave
          peaks={
            sound?.peaks.slice(Math.floor(music.start * 20), Math.ceil((music.start + seconds) * 20)) ?? []
          }
        />
        <Beats frames={edit.beatFrames} scale={scale} />
        <span class="tl-name">
          <Icon of={Music} size={14} /> {sound?.title ?? t("music")}
        </span>
      </button>
    </div>
  );
}

function Beats({ frames, scale }: { frames: ReadonlySignal<readonly number[]>; scale: Scale }) {
  const shown = frames.value.filter((frame) => {
    const at = frame * scale.px;
    return at >= scale.from && at <= scale.to;
  });
  return (
    <span class="tl-beats">
      {shown.map((frame) => (
        <span key={frame} style={{ left: `${frame * scale.px}px` }} />
      ))}
    </span>
  );
}

function Wave({ peaks }: { peaks: readonly number[] }): ComponentChildren {
  if (peaks.length < 2) return null;
  const points = (sign: number) =>
    peaks.map((peak, at) => `${at},${(50 + sign * Math.max(1, peak * 46)).toFixed(1)}`);
  return (
    <svg
      class="tl-wave"
      viewBox={`0 0 ${peaks.length - 1} 100`}
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      <polygon points={[...points(-1), ...points(1).toReversed()].join(" ")} />
    </svg>
  );
}

/** A mouse leaves no focus behind: its owner's arrow keys step through frames. */
function choose(event: MouseEvent, select: () => void) {
  if (wasDrag()) return;
  select();
  if ((event as PointerEvent).pointerType === "mouse") (event.currentTarget as HTMLElement).blur();
}

/** On the timeline the arrows go from one thing to the next, and with Alt they move it. */
function itemKey(event: KeyboardEvent, edit: EditModel) {
  const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
  if (by === 0 || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  event.stopPropagation();
  if (event.altKey) edit.moveSelected(by * (event.shiftKey ? 10 : 1));
  else edit.selectBeside(by);
}

/** The focus follows the selection while it is on the timeline, and leaves everything else alone. */
function useFocusWhen(element: { current: HTMLButtonElement | null }, chosen: boolean) {
  useEffect(() => {
    const here = element.current;
    const focused = document.activeElement;
    if (chosen && here && focused !== here && focused?.classList.contains("tl-item")) {
      here.focus({ preventScroll: true });
    }
  }, [chosen]);
}
