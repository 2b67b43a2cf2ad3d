import "./edit.css";

import { useEffect, useRef } from "preact/hooks";
import { type ReadonlySignal, useModel, useSignal, useSignalEffect } from "@preact/signals";
import {
  ArrowLeft,
  Clapperboard,
  CloudAlert,
  CloudCheck,
  CloudOff,
  CloudUpload,
  Film,
  Keyboard,
  Pause,
  Play,
  Redo2,
  Scissors,
  SkipBack,
  TriangleAlert,
  Undo2,
  ZoomIn,
  ZoomOut,
} from "lucide";

import type { Clip, Segment } from "../../model/types";
import { Edit, type EditModel } from "../../viewmodel/edit";
import { clock } from "../../viewmodel/i18n";
import { useApp, useOnce, useT, useTitle } from "../context";
import { Button, Empty, Failure, Field, IconButton, InlineProblem, Skeleton } from "../parts/basics";
import { Sentinel } from "../parts/cards";
import { Dialog } from "../parts/dialog";
import { Icon } from "../parts/icon";
import { EaselDesk } from "../screens/easel";
import { Inspector, type PanelName } from "./inspector";
import { KEYS, pressKey } from "./keys";
import { MusicDialog } from "./music";
import type { Box } from "./painter";
import { Stage } from "./stage";
import { TimelineView } from "./timeline";

type Open = "clip" | "music" | "keys" | "render" | null;

export function EditScreen({ id }: { id: string }) {
  const app = useApp();
  const t = useT();
  const edit = useModel(() => new Edit(app.editing(), id));
  useOnce(edit.load);
  useTitle(edit.title.value || t("edit"));
  useLeaving(edit);
  useSignalEffect(() => {
    if (app.online.value) void edit.retry();
  });
  if (edit.project.phase.value === "failed") {
    return <Failure problem={edit.project.problem.value} onRetry={edit.load} />;
  }
  if (!edit.project.value.value) {
    return (
      <div class="bench">
        <header class="bench-head" />
        <div class="bench-stage">
          <Skeleton kind="frame" />
        </div>
        <div class="timeline">
          <Skeleton kind="row" count={2} />
        </div>
      </div>
    );
  }
  return <Bench edit={edit} />;
}

/** What is not saved is sent when the page goes out of sight, and when one walks on within the site. */
function useLeaving(edit: EditModel) {
  useEffect(() => {
    const leave = () => void edit.flush();
    const hide = () => document.hidden && leave();
    addEventListener("pagehide", leave);
    document.addEventListener("visibilitychange", hide);
    return () => {
      removeEventListener("pagehide", leave);
      document.removeEventListener("visibilitychange", hide);
      leave();
    };
  }, [edit]);
}

function Bench({ edit }: { edit: EditModel }) {
  const t = useT();
  const open = useSignal<Open>(null);
  const painting = useSignal<Segment | null>(null);
  const panel = useSignal<PanelName | null>(null);
  const boxes = useSignal<readonly Box[]>([]);
  const isWide = useMedia("(min-width: 1024px)");
  useKeys(edit, () => (open.value = "keys"));
  useFirstZoom(edit);
  const close = () => (open.value = null);
  const doors = {
    addClip: () => (open.value = "clip"),
    chooseMusic: () => (open.value = "music"),
    paint: (segment: Segment) => (painting.value = segment),
  };
  const isEmpty = edit.list.value.segments.length === 0;
  return (
    <div class="bench">
      <Head edit={edit} onRender={() => (open.value = "render")} />
      {edit.savingPhase.value === "conflict" && <Conflict edit={edit} />}
      {isEmpty ? (
        <section class="bench-stage">
          <Empty
            icon={Clapperboard}
            title={t("bench_empty")}
            action={
              <Button kind="main" icon={Film} onClick={doors.addClip}>
                {t("add_clip")}
              </Button>
            }
          >
            {t("bench_empty_text")}
          </Empty>
        </section>
      ) : (
        <Stage edit={edit} boxes={boxes} />
      )}
      <Transport edit={edit} onKeys={() => (open.value = "keys")} />
      <TimelineView edit={edit} onAddClip={doors.addClip} onMusic={doors.chooseMusic} />
      <Inspector edit={edit} doors={doors} panel={panel} isWide={isWide.value} />
      <div class="bench-problems">
        <InlineProblem problem={edit.paintingProblem.value} />
        <TooLong edit={edit} />
        {edit.savingPhase.value === "failed" && edit.tooLong.value === null && (
          <InlineProblem problem={edit.savingProblem.value} onRetry={() => void edit.retry()} />
        )}
      </div>
      {open.value === "clip" && <ClipDialog onChoose={edit.addClip} onClose={close} />}
      {open.value === "music" && <MusicDialog onChoose={edit.chooseMusic} onClose={close} />}
      {open.value === "keys" && <KeysDialog onClose={close} />}
      {open.value === "render" && <RenderDialog edit={edit} onClose={close} />}
      {painting.value && (
        <PaintDialog edit={edit} segment={painting.value} onClose={() => (painting.value = null)} />
      )}
    </div>
  );
}

function TooLong({ edit }: { edit: EditModel }) {
  const t = useT();
  const most = edit.tooLong.value;
  if (most === null) return null;
  const { frames, rate } = edit.timeline.value;
  return (
    <p class="inline-problem" role="status">
      <Icon of={TriangleAlert} size={20} />
      <span>{t("too_long", { seconds: Math.ceil(frames / rate), most })}</span>
    </p>
  );
}

// ---- the head ----

function Head({ edit, onRender }: { edit: EditModel; onRender: () => void }) {
  const t = useT();
  return (
    <header class="bench-head">
      <a class="icon-button" href="/edits" aria-label={t("back")} data-tip={t("back")}>
        <Icon of={ArrowLeft} />
      </a>
      <h1 class="unseen">{t("edit")}</h1>
      <input
        class="bench-title"
        value={edit.title.value}
        placeholder={t("untitled")}
        maxLength={120}
        aria-label={t("edit_title")}
        onInput={(event) => edit.rename(event.currentTarget.value)}
        onBlur={(event) => (event.currentTarget.value = edit.title.peek())}
        onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
      />
      <SavingState edit={edit} />
      <Button
        kind="main"
        icon={Film}
        disabled={edit.list.value.segments.length === 0 || edit.tooLong.value !== null}
        onClick={onRender}
      >
        {t("make_video")}
      </Button>
    </header>
  );
}

const CLOUDS = {
  saved: CloudCheck,
  unsaved: CloudUpload,
  saving: CloudUpload,
  offline: CloudOff,
  failed: CloudAlert,
  conflict: CloudAlert,
};

function SavingState({ edit }: { edit: EditModel }) {
  const t = useT();
  const phase = edit.savingPhase.value;
  const text = t(`saving_${phase}`);
  return (
    <span class={`saving ${phase}`} role="status" title={text}>
      <Icon of={CLOUDS[phase]} size={20} />
      <span>{text}</span>
    </span>
  );
}

function Conflict({ edit }: { edit: EditModel }) {
  const { router, i18n } = useApp();
  const { t } = i18n;
  const keep = async () => {
    const copy = await edit.keepMineAsCopy(t("copy_of", { title: edit.title.peek() || t("untitled") }));
    if (copy) router.go(`/edit/${copy.id}`);
  };
  return (
    <section class="bench-conflict" role="alert">
      <div>
        <strong>{t("conflict_title")}</strong>
        <p>{t("conflict_text")}</p>
      </div>
      <div class="row">
        <Button kind="main" onClick={() => void keep()}>
          {t("conflict_copy")}
        </Button>
        <Button onClick={edit.takeTheirs}>{t("conflict_theirs")}</Button>
      </div>
      <InlineProblem problem={edit.renderProblem.value} />
    </section>
  );
}

// ---- the bar between picture and timeline ----

function Transport({ edit, onKeys }: { edit: EditModel; onKeys: () => void }) {
  const t = useT();
  const isPlaying = edit.playing.value;
  return (
    <div class="transport">
      <div class="transport-part">
        <IconButton icon={Undo2} label={t("undo")} disabled={!edit.canUndo.value} onClick={edit.undo} />
        <IconButton icon={Redo2} label={t("redo")} disabled={!edit.canRedo.value} onClick={edit.redo} />
      </div>
      <div class="transport-part">
        <IconButton icon={SkipBack} label={t("to_start")} class="roomy" onClick={() => edit.seek(0)} />
        <IconButton
          icon={isPlaying ? Pause : Play}
          label={t(isPlaying ? "pause" : "play")}
          class="play"
          filled={!isPlaying}
          onClick={edit.togglePlay}
        />
        <Time edit={edit} />
      </div>
      <div class="transport-part">
        <IconButton icon={Scissors} label={t("split")} disabled={!edit.canSplit.value} onClick={edit.split} />
        <IconButton icon={ZoomOut} label={t("zoom_out")} class="roomy" onClick={() => edit.zoom(1 / 1.5)} />
        <IconButton icon={ZoomIn} label={t("zoom_in")} class="roomy" onClick={() => edit.zoom(1.5)} />
        <IconButton icon={Keyboard} label={t("keys")} class="roomy" onClick={onKeys} />
      </div>
    </div>
  );
}

function Time({ edit }: { edit: EditModel }) {
  const { frames, rate } = edit.timeline.value;
  const pace = edit.pace.value;
  return (
    <span class="transport-time">
      {clock(edit.frame.value / rate, true)}{" "}
      <span class={edit.tooLong.value === null ? "faint" : "too-long"}>/ {clock(frames / rate, true)}</span>
      {pace !== 1 && <span class="pace"> {pace}×</span>}
    </span>
  );
}

// ---- dialogs ----

/** One's own clips, and those of the house. */
function ClipDialog({ onChoose, onClose }: { onChoose: (clip: Clip) => void; onClose: () => void }) {
  const app = useApp();
  const t = useT();
  const page = useModel(() => app.screens.clips());
  const demos = useModel(() => app.screens.demos());
  useOnce(page.load);
  useOnce(demos.load);
  const { clips } = page;
  const own = clips.items.value;
  const others = demos.list.value.filter(({ id }) => !own.some((clip) => clip.id === id));
  const pick = (clip: Clip) => {
    onChoose(clip);
    onClose();
  };
  return (
    <Dialog title={t("add_clip_title")} onClose={onClose} wide>
      {clips.phase.value === "failed" && <Failure problem={clips.problem.value} onRetry={clips.load} />}
      {clips.empty.value && others.length === 0 && (
        <Empty icon={Clapperboard} title={t("clips_empty")}>
          {t("clips_empty_text")}
        </Empty>
      )}
      <div class="clip-shelf">
        {clips.phase.value === "loading" && <Skeleton kind="tile" count={4} />}
        {[...own, ...others].map((clip) => (
          <button key={clip.id} type="button" class="tile clip-tile" onClick={() => pick(clip)}>
            <img src={clip.poster_url} alt="" loading="lazy" />
            <span class="tile-badge">{clock(clip.duration_seconds)}</span>
            <span class="clip-name">
              <strong>{clip.title || t("untitled")}</strong>
            </span>
          </button>
        ))}
      </div>
      {clips.hasMore.value && <Sentinel onReach={clips.more} />}
    </Dialog>
  );
}

function KeysDialog({ onClose }: { onClose: () => void }) {
  const t = useT();
  return (
    <Dialog title={t("keys")} onClose={onClose}>
      <dl class="keys">
        {KEYS.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys
                .split(" ")
                .map((key) =>
                  /^(·|Ctrl\/⌘|Shift|Alt|Tab)$/.test(key) ? `${key} ` : <kbd key={key}>{key}</kbd>,
                )}
            </dt>
            <dd>{t(what)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

function RenderDialog({ edit, onClose }: { edit: EditModel; onClose: () => void }) {
  const { router, i18n } = useApp();
  const { t } = i18n;
  const name = useRef<HTMLInputElement>(null);
  const { frames, rate } = edit.timeline.value;
  const { width, height } = edit.canvas.value;
  const used = new Set(
    [edit.list.value.music?.track, ...edit.list.value.voices.map(({ sound }) => sound)].filter(Boolean),
  );
  const credits = Object.values(edit.sounds.value)
    .filter((sound) => used.has(sound.id) && sound.kind !== "voice")
    .map((sound) => sound.credit || [sound.title, sound.author, sound.licence].filter(Boolean).join(", "));
  const make = async () => {
    const job = await edit.render(name.current?.value.trim() ?? "");
    if (!job) return;
    onClose();
    router.go(`/job/${job.id}`);
  };
  return (
    <Dialog title={t("make_video")} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void make();
        }}
      >
        <p class="dialog-text">{t("make_video_text")}</p>
        <Field label={t("title")}>
          <input ref={name} defaultValue={edit.title.value} maxLength={120} />
        </Field>
        <dl class="facts">
          <div>
            <dt>{t("length")}</dt>
            <dd>{clock(frames / rate, true)}</dd>
          </div>
          <div>
            <dt>{t("picture_size")}</dt>
            <dd>{`${width} × ${height}`}</dd>
          </div>
          <div>
            <dt>{t("frames")}</dt>
            <dd>{frames}</dd>
          </div>
        </dl>
        {credits.length > 0 && (
          <div>
            <p class="field-label">{t("credits")}</p>
            {credits.map((credit) => (
              <p key={credit}>{credit}</p>
            ))}
          </div>
        )}
        <InlineProblem problem={edit.renderProblem.value} />
        <Button kind="main" type="submit" wide icon={Film} busy={edit.rendering.value !== "idle"}>
          {t("make_video")}
        </Button>
      </form>
    </Dialog>
  );
}

/** The easel over the bench: always from the clip as it was before it was painted. */
function PaintDialog({ edit, segment, onClose }: { edit: EditModel; segment: Segment; onClose: () => void }) {
  const app = useApp();
  const t = useT();
  // The accent was lent by the painting on the easel.
  useEffect(() => () => app.look.borrow(null), [app]);
  return (
    <Dialog title={t("paint_segment")} onClose={onClose} whole>
      <p class="dialog-text">{t("paint_segment_text")}</p>
      <EaselDesk
        clipId={segment.unstyled ?? segment.clip}
        styles={[]}
        onJob={(job) => {
          edit.paintSegment(segment.id, job);
          onClose();
        }}
      />
    </Dialog>
  );
}

// ---- the room ----

function useMedia(query: string): ReadonlySignal<boolean> {
  const matches = useSignal(matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const change = () => (matches.value = media.matches);
    media.addEventListener("change", change);
    return () => media.removeEventListener("change", change);
  }, [query]);
  return matches;
}

function useKeys(edit: EditModel, help: () => void) {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (!event.defaultPrevented && pressKey(event, edit, help)) event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [edit]);
}

/** At first all of a short video is in sight, and of a long one so much that one can cut it. */
function useFirstZoom(edit: EditModel) {
  useOnce(() => {
    const { frames, rate } = edit.timeline.peek();
    if (frames > 0 && frames / rate < 30) edit.zoomToFit(Math.max(280, innerWidth * 0.45));
  });
}
