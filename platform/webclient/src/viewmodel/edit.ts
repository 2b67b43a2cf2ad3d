import {
  batch,
  computed,
  createModel,
  effect,
  type ReadonlySignal,
  signal,
  untracked,
} from "@preact/signals";

import type { Api } from "../model/api";
import type { Draft } from "../model/drafts";
import * as edits from "../model/edit-list";
import { missingLetters } from "../model/letters";
import { asProblem, Problem } from "../model/problem";
import type {
  Canvas,
  Clip,
  EditList,
  Filters,
  Fit,
  Job,
  Music,
  Project,
  Sound,
  StickerName,
  StickerOn,
  TextOn,
  TransitionKind,
  View,
  Voice,
} from "../model/types";
import { createHistory } from "./edit-history";
import { createSaving, type SavingPhase } from "./edit-saving";
import {
  type ClipById,
  type FramePlan,
  type HeardPlan,
  pictureAt,
  soundAt,
  type SoundById,
} from "./frame-plan";
import type { JobsModel } from "./jobs";
import { createPlayhead } from "./playhead";
import { createResource } from "./resource";

export interface EditPorts {
  api: Pick<
    Api,
    | "project"
    | "saveProject"
    | "createProject"
    | "renderProject"
    | "clip"
    | "clipPeaks"
    | "clips"
    | "demoClips"
    | "sounds"
    | "sound"
    | "addSound"
    | "deleteSound"
    | "next"
  >;
  drafts: { read(id: string): Draft | null; write(id: string, draft: Draft): void; forget(id: string): void };
  jobs: Pick<JobsModel, "byId" | "learn" | "load">;
  /** A longer video the server does not keep */
  secondsMost: () => number | null;
  recorder: { start(): Promise<void>; stop(): Promise<File | null> };
  setTimeout: (run: () => void, milliseconds: number) => unknown;
  clearTimeout: (timer: never) => void;
  now: () => number;
  newKey: () => string;
}

export type Selected = { kind: edits.ListName; id: string } | { kind: "music"; id: "music" };
export type Edge = "in" | "out";
/** Lines on the canvas that hold what is being dragged, as shares of it */
export interface Guides {
  x: number | null;
  y: number | null;
}

export const ZOOM = { least: 6, most: 600 };
const SNAP_PIXELS = 10;
/** Shares of the canvas, and degrees, within which a line or a right angle attracts */
const HOLD = { share: 0.015, degrees: 4 };
const NEW_SECONDS = 3;
const DRAFT_REST = 400;

/** One project on the bench. Every change is a new list, so each can be taken back. */
export const Edit = createModel((ports: EditPorts, projectId: string) => {
  const { api, jobs } = ports;
  const project = createResource<Project>(() => api.project(projectId));
  const title = signal("");
  const clips = signal<ClipById>({});
  const sounds = signal<SoundById>({});
  /** How loud each clip is, twenty times a second; nothing while that is not known */
  const clipPeaks = signal<Readonly<Record<string, readonly number[]>>>({});
  const selected = signal<Selected | null>(null);
  const pixelsPerSecond = signal(60);
  const snapFrame = signal<number | null>(null);
  /** While an edge is dragged: the frame at that edge */
  const edgeFrame = signal<number | null>(null);
  const guides = signal<Guides>({ x: null, y: null });
  const painting = signal<Readonly<Record<string, string>>>({});
  const paintingProblem = signal<Problem | null>(null);
  const recording = signal<"idle" | "starting" | "recording" | "sending">("idle");
  const recordingProblem = signal<Problem | null>(null);
  const unsent = signal<{ file: File; at: number } | null>(null);
  const rendering = signal<"idle" | "saving" | "sending" | "sent">("idle");
  const renderProblem = signal<Problem | null>(null);
  let order: { body: string; key: string } | null = null;
  let voiceStart = 0;
  let draftTimer: unknown = null;

  const history = createHistory(ports.now, changed);
  const { list } = history;
  const timeline = computed(() => edits.layOut(list.value));
  const playhead = createPlayhead(timeline);
  const saving = createSaving(
    ports,
    projectId,
    () => ({ title: title.peek(), edit: list.peek() }),
    keepDraft,
  );

  const lengthOf: edits.LengthOf = (id) =>
    clips.peek()[id]?.duration_seconds ?? sounds.peek()[id]?.duration_seconds ?? null;

  // ---- remembering ----

  function changed() {
    saving.touch();
    ports.clearTimeout(draftTimer as never);
    draftTimer = ports.setTimeout(keepDraft, DRAFT_REST);
  }

  function keepDraft() {
    ports.clearTimeout(draftTimer as never);
    ports.drafts.write(projectId, {
      revision: saving.revision.peek(),
      saved: saving.phase.peek() === "saved",
      title: title.peek(),
      edit: list.peek(),
      painting: painting.peek(),
      ...history.steps(),
    });
  }

  /** A waveform helps to cut; without it one cuts as well, so a failure is not worth a word. */
  async function listenTo(clip: Clip) {
    if (!clip.has_audio || clip.id in clipPeaks.peek()) return;
    clipPeaks.value = { ...clipPeaks.peek(), [clip.id]: [] };
    const heard = await api.clipPeaks(clip.id).catch(() => null);
    if (heard) clipPeaks.value = { ...clipPeaks.peek(), [clip.id]: heard.peaks };
  }

  function learn(newest: Pick<Project, "clips" | "sounds">) {
    newest.clips.forEach((clip) => void listenTo(clip));
    batch(() => {
      clips.value = { ...clips.peek(), ...Object.fromEntries(newest.clips.map((clip) => [clip.id, clip])) };
      sounds.value = { ...sounds.peek(), ...Object.fromEntries(newest.sounds.map((one) => [one.id, one])) };
    });
  }

  /** Take up the server's list, or go on from what this browser had not yet saved. */
  function open(newest: Project) {
    learn(newest);
    const draft = ports.drafts.read(projectId);
    const theirs = { title: newest.title, edit: newest.edit };
    saving.adopt(newest.revision);
    if (!draft) return show(theirs);
    const mine = { title: draft.title, edit: draft.edit };
    const isSame = edits.fingerprint(mine) === edits.fingerprint(theirs);
    if (isSame || (draft.revision === newest.revision && !draft.saved)) {
      show(mine, draft);
      if (!isSame) saving.touch();
    } else if (!draft.saved) {
      show(mine, draft);
      saving.conflict(newest);
    } else show(theirs);
  }

  function show(words: { title: string; edit: EditList }, draft?: Draft) {
    batch(() => {
      title.value = words.title;
      history.reset(words.edit, draft?.past, draft?.future);
      painting.value = draft?.painting ?? {};
    });
    for (const id of Object.values(painting.peek())) void jobs.load(id);
    void fetchMissing();
  }

  /** A step that is taken back may name a clip or a sound that the saved list no longer does. */
  async function fetchMissing() {
    const { segments, music, voices } = list.peek();
    for (const id of new Set(segments.map(({ clip }) => clip))) {
      if (clips.peek()[id]) continue;
      const clip = await api.clip(id).catch(() => null);
      if (clip) learn({ clips: [clip], sounds: [] });
    }
    for (const id of new Set([...(music ? [music.track] : []), ...voices.map(({ sound }) => sound)])) {
      if (sounds.peek()[id]) continue;
      const sound = await api.sound(id).catch(() => null);
      if (sound) learn({ clips: [], sounds: [sound] });
    }
  }

  effect(() => {
    const here = selected.value;
    if (!here) return;
    const { music, ...lists } = list.value;
    const isThere =
      here.kind === "music" ? music !== null : lists[here.kind].some(({ id }) => id === here.id);
    if (!isThere) selected.value = null;
  });

  // ---- what is selected, and changing it ----

  const segment = computed(() =>
    selected.value?.kind === "segments"
      ? (list.value.segments.find(({ id }) => id === selected.value?.id) ?? null)
      : null,
  );
  const text = computed(() =>
    selected.value?.kind === "texts"
      ? (list.value.texts.find(({ id }) => id === selected.value?.id) ?? null)
      : null,
  );
  const sticker = computed(() =>
    selected.value?.kind === "stickers"
      ? (list.value.stickers.find(({ id }) => id === selected.value?.id) ?? null)
      : null,
  );
  const voice = computed(() =>
    selected.value?.kind === "voices"
      ? (list.value.voices.find(({ id }) => id === selected.value?.id) ?? null)
      : null,
  );

  function put(next: EditList, kind?: string) {
    history.put(next, kind);
  }

  /** Change the selected segment; changes of the same kind in a row are one step. */
  function onSegment(kind: string, change: (edit: EditList, id: string) => EditList) {
    const here = segment.peek();
    if (here) put(change(list.peek(), here.id), `${kind} ${here.id}`);
  }

  /** The selected segment, or the one under the playhead. */
  function segmentHere(): edits.Placed | null {
    const id = segment.peek()?.id;
    const chosen = timeline.peek().placed.find((placed) => placed.segment.id === id);
    return chosen ?? edits.segmentAt(list.peek(), playhead.frame.peek());
  }

  function select(next: Selected | null) {
    selected.value = next;
  }

  function newest(name: edits.ListName) {
    const item = list.peek()[name].at(-1);
    if (item) select({ kind: name, id: item.id });
  }

  const seconds = (frame: number) => frame / timeline.peek().rate;

  /** Where a new thing begins: at the playhead, or a little before the end so that it is seen. */
  function startOfNew(): number {
    const { frames, rate } = timeline.peek();
    const least = Math.min(frames, rate);
    return seconds(Math.max(0, Math.min(playhead.frame.peek(), frames - least)));
  }

  function itemSpan(name: edits.TimedName, id: string): edits.Span | null {
    const { rate } = timeline.peek();
    if (name === "voices") {
      const one = list.peek().voices.find((item) => item.id === id);
      if (!one) return null;
      const length = (one.end ?? lengthOf(one.sound) ?? one.start + 1) - one.start;
      return { start: edits.whole(one.at * rate), end: edits.whole((one.at + length) * rate) };
    }
    const one = list.peek()[name].find((item) => item.id === id);
    return one ? { start: edits.whole(one.start * rate), end: edits.whole(one.end * rate) } : null;
  }

  // ---- snapping ----

  /** Places that an edge likes: the playhead, the edges of segments and of what lies over them, beats and markers. */
  function magnets(except: string): number[] {
    const edit = list.peek();
    const { placed, frames, rate } = timeline.peek();
    const edges = placed
      .filter(({ segment: { id } }) => id !== except)
      .flatMap(({ span }) => [span.start, span.end]);
    const over = (["texts", "stickers", "voices"] as const).flatMap((name) =>
      edit[name].flatMap(({ id }) => {
        const span = id === except ? null : itemSpan(name, id);
        return span ? [span.start, span.end] : [];
      }),
    );
    const beats = beatFrames.peek();
    const markers = edit.markers.map((at) => edits.whole(at * rate));
    return [0, frames, playhead.frame.peek(), ...edges, ...over, ...beats, ...markers];
  }

  function snapped(frame: number, targets: readonly number[]): number | null {
    const reach = (SNAP_PIXELS / pixelsPerSecond.peek()) * timeline.peek().rate;
    let best: number | null = null;
    for (const target of targets) {
      const distance = Math.abs(target - frame);
      if (distance <= reach && (best === null || distance < Math.abs(best - frame))) best = target;
    }
    return best;
  }

  /** Frames of the music's beats that fall into the video. */
  const beatFrames = computed<readonly number[]>(() => {
    const { music } = list.value;
    const { rate, frames } = timeline.value;
    const beats = music ? (sounds.value[music.track]?.beats ?? []) : [];
    return beats
      .map((at) => edits.whole((at - (music?.start ?? 0)) * rate))
      .filter((frame) => frame >= 0 && frame <= frames);
  });

  let grip: { magnets: number[]; span: edits.Span } | null = null;

  function grab(kind: Selected["kind"], id: string) {
    const span =
      kind === "segments"
        ? timeline.peek().placed.find((placed) => placed.segment.id === id)?.span
        : kind === "music"
          ? { start: 0, end: timeline.peek().frames }
          : itemSpan(kind, id);
    grip = { magnets: magnets(id), span: span ?? { start: 0, end: 0 } };
    playhead.pause();
    history.grab();
  }

  /** The wished move, or the one to the nearest magnet of either edge. */
  function attracted(frames: number, edges: readonly number[]): number {
    let move: number | null = null;
    let line: number | null = null;
    for (const edge of edges) {
      const target = grip && snapped(edge + frames, grip.magnets);
      if (target === null) continue;
      const found = target - edge;
      if (move === null || Math.abs(found - frames) < Math.abs(move - frames)) [move, line] = [found, target];
    }
    snapFrame.value = line;
    return move ?? Math.round(frames);
  }

  /** A place on the canvas, or the middle of it where it is near; the guides show which. */
  function held(x: number, y: number, middle: number): { x: number; y: number } {
    const holdsX = Math.abs(x - middle) < HOLD.share;
    const holdsY = Math.abs(y - middle) < HOLD.share;
    guides.value = { x: holdsX ? 0.5 : null, y: holdsY ? 0.5 : null };
    return { x: holdsX ? middle : x, y: holdsY ? middle : y };
  }

  function upright(degrees: number): number {
    const right = Math.round(degrees / 90) * 90;
    return Math.abs(degrees - right) < HOLD.degrees ? right : degrees;
  }

  // ---- painting a segment anew ----

  function follow(id: string, jobId: string | null) {
    const { [id]: _before, ...others } = painting.peek();
    painting.value = jobId === null ? others : { ...others, [id]: jobId };
    keepDraft();
  }

  async function painted(id: string, clipId: string) {
    try {
      const clip = clips.peek()[clipId] ?? (await api.clip(clipId));
      batch(() => {
        learn({ clips: [clip], sounds: [] });
        put(edits.swapClip(list.peek(), id, clip.id, lengthOf));
      });
    } catch (error) {
      paintingProblem.value = asProblem(error);
    }
  }

  effect(() => {
    const known = jobs.byId.value;
    for (const [id, jobId] of Object.entries(painting.value)) {
      const job = known[jobId];
      if (!job || job.state === "queued" || job.state === "running") continue;
      untracked(() => {
        follow(id, null);
        const clipId = job.result?.clip_id;
        if (job.state === "succeeded" && clipId) void painted(id, clipId);
        else if (job.state === "failed") paintingProblem.value = asProblem(failureOf(job));
      });
    }
  });

  effect(() => () => {
    saving.stop();
    ports.clearTimeout(draftTimer as never);
    if (project.value.peek()) keepDraft();
    void ports.recorder.stop();
  });

  async function stopRecording() {
    if (recording.peek() !== "recording") return;
    playhead.pause();
    recording.value = "sending";
    try {
      const file = await ports.recorder.stop();
      unsent.value = file && { file, at: seconds(voiceStart) };
    } catch (error) {
      recordingProblem.value = asProblem(error);
    }
    await sendRecording();
  }

  /** A recording stays here until the server has it: nobody speaks the same words twice. */
  async function sendRecording() {
    const words = unsent.peek();
    recording.value = "sending";
    try {
      if (words) {
        recordingProblem.value = null;
        const sound = await api.addSound(words.file, words.file.name, "voice");
        batch(() => {
          unsent.value = null;
          learn({ clips: [], sounds: [sound] });
          put(edits.addVoice(list.peek(), sound, words.at));
          newest("voices");
        });
      }
    } catch (error) {
      recordingProblem.value = asProblem(error);
    } finally {
      recording.value = "idle";
    }
  }

  return {
    project,
    title: title as ReadonlySignal<string>,
    list,
    timeline,
    clips: clips as ReadonlySignal<ClipById>,
    sounds: sounds as ReadonlySignal<SoundById>,
    clipPeaks: clipPeaks as ReadonlySignal<Readonly<Record<string, readonly number[]>>>,
    selected: selected as ReadonlySignal<Selected | null>,
    segment,
    text,
    sticker,
    voice,
    /** Letters of the selected words that its font has not, and that are not drawn */
    missingLetters: computed(() => (text.value ? missingLetters(text.value.text, text.value.font) : [])),
    canvas: computed(() => edits.canvasSize(list.value.canvas)),
    pixelsPerSecond: pixelsPerSecond as ReadonlySignal<number>,
    /** The magnet that holds what is being dragged */
    snapFrame: snapFrame as ReadonlySignal<number | null>,
    beatFrames,
    frame: playhead.frame,
    /** What is on the canvas: the playhead's frame, or the edge that is being dragged */
    shown: computed(() => edgeFrame.value ?? playhead.frame.value),
    guides: guides as ReadonlySignal<Guides>,
    playing: playhead.playing,
    pace: playhead.pace,
    canUndo: history.canUndo,
    canRedo: history.canRedo,
    savingPhase: saving.phase,
    savingProblem: saving.problem,
    theirs: saving.theirs,
    painting: painting as ReadonlySignal<Readonly<Record<string, string>>>,
    paintingProblem: paintingProblem as ReadonlySignal<Problem | null>,
    recording: recording as ReadonlySignal<"idle" | "starting" | "recording" | "sending">,
    recordingProblem: recordingProblem as ReadonlySignal<Problem | null>,
    rendering: rendering as ReadonlySignal<"idle" | "saving" | "sending" | "sent">,
    renderProblem: renderProblem as ReadonlySignal<Problem | null>,
    isSaved: computed<boolean>(() => (saving.phase.value as SavingPhase) === "saved"),
    /** How long it may be, where it is longer than that */
    tooLong: computed<number | null>(() => {
      const most = ports.secondsMost();
      const { frames, rate } = timeline.value;
      return most !== null && frames / rate > most + 1.5 / rate ? most : null;
    }),
    /** Where to cut for the inspector: can the segment here be split at the playhead? */
    canSplit: computed(() => {
      const frame = playhead.frame.value;
      const wanted = segment.value?.id;
      return timeline.value.placed.some(
        ({ segment: { id }, span }) => (!wanted || wanted === id) && frame > span.start && frame < span.end,
      );
    }),

    async load() {
      await project.load();
      const loaded = project.value.peek();
      if (loaded) open(loaded);
    },
    flush: () => {
      keepDraft();
      return saving.flush(true);
    },
    /** The connection is back. */
    retry: () => saving.flush(),
    rename(words: string) {
      const next = words.trim().slice(0, 120);
      if (!next || next === title.peek()) return;
      title.value = next;
      changed();
    },

    // what the view draws and plays
    pictureAt: (frame: number): FramePlan => pictureAt(list.peek(), timeline.peek(), clips.peek(), frame),
    soundAt: (frame: number): HeardPlan =>
      soundAt(list.peek(), timeline.peek(), clips.peek(), sounds.peek(), frame),

    // time
    seek: playhead.seek,
    step: playhead.step,
    play: playhead.play,
    pause: playhead.pause,
    togglePlay: playhead.toggle,
    shuttle: playhead.shuttle,
    advance: playhead.advance,
    zoom(factor: number) {
      pixelsPerSecond.value = edits.clamp(pixelsPerSecond.peek() * factor, ZOOM.least, ZOOM.most);
    },
    zoomToFit(pixels: number) {
      const { frames, rate } = timeline.peek();
      if (frames > 0) pixelsPerSecond.value = edits.clamp((pixels * rate) / frames, ZOOM.least, ZOOM.most);
    },

    // selecting
    select,
    /** The next or previous thing on the same track. */
    selectBeside(by: 1 | -1) {
      const here = selected.peek();
      if (here?.kind === "music") return;
      const kind = here?.kind ?? "segments";
      const items = list.peek()[kind];
      const at = items.findIndex(({ id }) => id === here?.id);
      const item = items[at === -1 ? (by > 0 ? 0 : items.length - 1) : at + by];
      if (!item) return;
      select({ kind, id: item.id });
      const placed = timeline.peek().placed.find((one) => one.segment.id === item.id);
      if (placed) playhead.seek(placed.span.start);
    },

    // steps
    undo() {
      history.undo();
      void fetchMissing();
    },
    redo() {
      history.redo();
      void fetchMissing();
    },

    // segments
    /** After the selected segment, or after the one under the playhead, or at the end. */
    addClip(clip: Clip) {
      learn({ clips: [clip], sounds: [] });
      const here = segmentHere();
      const { placed } = timeline.peek();
      const at = here ? placed.indexOf(here) : -1;
      const place = at >= 0 ? at + 1 : placed.length;
      const isFirst = placed.length === 0 && !history.canUndo.peek();
      const shaped = isFirst
        ? edits.setCanvas(list.peek(), { aspect: aspectOf(clip) }, lengthOf)
        : list.peek();
      const next = edits.insertClip(shaped, clip, place, lengthOf);
      const added = next.segments[place];
      if (next === list.peek() || !added) return;
      put(next);
      select({ kind: "segments", id: added.id });
      playhead.seek(timeline.peek().placed[place]?.span.start ?? 0);
    },
    split() {
      const here = segmentHere();
      if (!here) return;
      const before = list.peek();
      const next = edits.split(before, here.segment.id, playhead.frame.peek(), lengthOf);
      put(next);
      const at = next.segments.findIndex(({ id }) => id === here.segment.id);
      const second = next.segments[at + 1];
      if (next !== before && second) select({ kind: "segments", id: second.id });
    },
    /** Move an edge of the selected thing to the playhead. */
    setEdge(edge: Edge) {
      const frame = playhead.frame.peek();
      const here = selected.peek();
      if (here && here.kind !== "segments" && here.kind !== "music") {
        const span = itemSpan(here.kind, here.id);
        const by = span ? frame - (edge === "in" ? span.start : span.end) : 0;
        return put(edits.trimTimed(list.peek(), here.kind, here.id, edge, by, lengthOf));
      }
      const placed = segmentHere();
      if (!placed || frame < placed.span.start || frame >= placed.span.end) return;
      const by = edge === "in" ? frame - placed.span.start : frame + 1 - placed.span.end;
      put(edits.trim(list.peek(), placed.segment.id, edge, by, lengthOf));
      // What was under the playhead stays under it.
      const after = timeline.peek().placed.find((one) => one.segment.id === placed.segment.id);
      if (after) playhead.seek(edge === "in" ? after.span.start : after.span.end - 1);
    },
    /** Move an edge by frames: the keyboard's way to drag it. */
    nudgeEdge(edge: Edge, frames: number) {
      const here = selected.peek();
      if (!here || here.kind === "music") return;
      if (here.kind === "segments")
        put(edits.trim(list.peek(), here.id, edge, frames, lengthOf), `edge ${edge}`);
      else put(edits.trimTimed(list.peek(), here.kind, here.id, edge, frames, lengthOf), `edge ${edge}`);
    },
    reorder(id: string, to: number) {
      put(edits.moveSegment(list.peek(), id, to, lengthOf));
    },
    /** A segment one place on, anything else by frames. */
    moveSelected(by: number) {
      const here = selected.peek();
      if (!here || here.kind === "music") return;
      if (here.kind !== "segments") return put(edits.moveTimed(list.peek(), here.kind, here.id, by), "move");
      const at = list.peek().segments.findIndex(({ id }) => id === here.id);
      put(edits.moveSegment(list.peek(), here.id, at + Math.sign(by), lengthOf));
    },
    remove() {
      const here = selected.peek();
      if (!here) return;
      if (here.kind === "music") return put(edits.setMusic(list.peek(), null));
      put(edits.removeItem(list.peek(), here.kind, here.id, lengthOf));
    },
    duplicate() {
      const here = selected.peek();
      if (!here || here.kind === "music") return;
      const at = list.peek()[here.kind].findIndex(({ id }) => id === here.id);
      put(edits.duplicateItem(list.peek(), here.kind, here.id, lengthOf));
      const twin = list.peek()[here.kind].at(here.kind === "segments" ? at + 1 : -1);
      if (twin) select({ kind: here.kind, id: twin.id });
    },
    setSpeed: (speed: number) => onSegment("speed", (edit, id) => edits.setSpeed(edit, id, speed, lengthOf)),
    setReverse: (on: boolean) => onSegment("", (edit, id) => edits.setReverse(edit, id, on, lengthOf)),
    setFit: (fit: Fit) => onSegment("fit", (edit, id) => edits.setFit(edit, id, fit, lengthOf)),
    setVolume: (volume: number) =>
      onSegment("volume", (edit, id) => edits.setVolume(edit, id, volume, lengthOf)),
    setView: (change: Partial<View>) =>
      onSegment("view", (edit, id) => edits.setView(edit, id, change, lengthOf)),
    resetView: () => onSegment("", (edit, id) => edits.setView(edit, id, edits.plainView(), lengthOf)),
    setFilters: (change: Partial<Filters>) =>
      onSegment("filters", (edit, id) => edits.setFilters(edit, id, change, lengthOf)),
    resetFilters: () =>
      onSegment("", (edit, id) => edits.setFilters(edit, id, edits.plainFilters(), lengthOf)),
    setTransition: (kind: TransitionKind, length: number) =>
      onSegment("transition", (edit, id) =>
        edits.setTransition(edit, id, { kind, seconds: length }, lengthOf),
      ),
    /** The clip is being painted; when it is dry it takes the place of the one that is there. */
    paintSegment(id: string, job: Job) {
      paintingProblem.value = null;
      jobs.learn(job);
      follow(id, job.id);
    },
    /** Back to the clip before it was painted. */
    unpaint() {
      const here = segment.peek();
      if (!here?.unstyled) return;
      put(edits.swapClip(list.peek(), here.id, here.unstyled, lengthOf));
      void fetchMissing();
    },

    // over the picture
    addText(words: string) {
      const start = startOfNew();
      put(edits.addText(list.peek(), words, start, NEW_SECONDS));
      newest("texts");
    },
    changeText(change: Partial<TextOn>) {
      const here = text.peek();
      const kind = `text ${here?.id} ${Object.keys(change).join()}`;
      if (here) put(edits.changeText(list.peek(), here.id, change), kind);
    },
    addSticker(name: StickerName) {
      put(edits.addSticker(list.peek(), name, startOfNew(), NEW_SECONDS));
      newest("stickers");
    },
    changeSticker(change: Partial<StickerOn>) {
      const here = sticker.peek();
      const kind = `sticker ${here?.id} ${Object.keys(change).join()}`;
      if (here) put(edits.changeSticker(list.peek(), here.id, change), kind);
    },

    // sound
    chooseMusic(sound: Sound | null) {
      if (sound) learn({ clips: [], sounds: [sound] });
      put(edits.setMusic(list.peek(), sound?.id ?? null));
      if (sound) select({ kind: "music", id: "music" });
    },
    changeMusic: (change: Partial<Music>) =>
      put(edits.changeMusic(list.peek(), change), `music ${Object.keys(change).join()}`),
    setOriginalVolume: (volume: number) => put(edits.setOriginalVolume(list.peek(), volume), "original"),
    changeVoice(change: Partial<Voice>) {
      const here = voice.peek();
      if (here) put(edits.changeVoice(list.peek(), here.id, change), `voice ${here.id}`);
    },
    /** Speak while the video plays; the recording begins where the playhead is. */
    async record() {
      if (recording.peek() !== "idle") return;
      recording.value = "starting";
      recordingProblem.value = null;
      try {
        await ports.recorder.start();
        voiceStart = playhead.frame.peek();
        recording.value = "recording";
        playhead.play();
      } catch (error) {
        recordingProblem.value = asProblem(error);
        recording.value = "idle";
      }
    },
    stopRecording,
    hasUnsent: computed(() => unsent.value !== null),
    sendRecording,

    // the whole video
    toggleMarker: () => put(edits.toggleMarker(list.peek(), playhead.frame.peek())),
    setCover: () => put(edits.setCover(list.peek(), playhead.frame.peek())),
    setCanvas: (change: Partial<Canvas>) => put(edits.setCanvas(list.peek(), change, lengthOf), "canvas"),

    // dragging
    grab,
    /** Drag an edge: `frames` to the right of where it was grabbed. */
    dragEdge(kind: edits.ListName, id: string, edge: Edge, frames: number) {
      if (!grip) return;
      const by = attracted(frames, [edge === "in" ? grip.span.start : grip.span.end]);
      history.drag((from) =>
        kind === "segments"
          ? edits.trim(from, id, edge, by, lengthOf)
          : edits.trimTimed(from, kind, id, edge, by, lengthOf),
      );
      const placed = timeline.peek().placed.find((one) => one.segment.id === id);
      if (placed) edgeFrame.value = edge === "in" ? placed.span.start : placed.span.end - 1;
    },
    dragTimed(kind: edits.TimedName, id: string, frames: number) {
      if (!grip) return;
      const by = attracted(frames, [grip.span.start, grip.span.end]);
      history.drag((from) => edits.moveTimed(from, kind, id, by));
    },
    /** Slide the track under the video: to the right, and it begins later in the video. */
    dragMusic(frames: number) {
      history.drag((from) =>
        edits.changeMusic(from, { start: (from.music?.start ?? 0) - frames / from.canvas.frame_rate }),
      );
    },
    /** Move, size and turn what is selected on the picture; shares of the canvas, a factor and degrees. */
    dragOnCanvas(move: { x: number; y: number; scale: number; turn: number }) {
      const here = selected.peek();
      if (here?.kind === "segments") {
        history.drag((from) => {
          const view = from.segments.find(({ id }) => id === here.id)?.view;
          if (!view) return from;
          const change = {
            ...held(view.x + move.x, view.y + move.y, 0),
            zoom: view.zoom * move.scale,
            rotation: upright(view.rotation + move.turn),
          };
          return edits.setView(from, here.id, change, lengthOf);
        });
      } else if (here?.kind === "texts") {
        history.drag((from) => {
          const was = from.texts.find(({ id }) => id === here.id);
          if (!was) return from;
          const change = { ...held(was.x + move.x, was.y + move.y, 0.5), size: was.size * move.scale };
          return edits.changeText(from, here.id, change);
        });
      } else if (here?.kind === "stickers") {
        history.drag((from) => {
          const was = from.stickers.find(({ id }) => id === here.id);
          if (!was) return from;
          return edits.changeSticker(from, here.id, {
            ...held(was.x + move.x, was.y + move.y, 0.5),
            size: was.size * move.scale,
            rotation: upright(was.rotation + move.turn),
          });
        });
      }
    },
    release() {
      grip = null;
      snapFrame.value = null;
      edgeFrame.value = null;
      guides.value = { x: null, y: null };
      history.release();
    },
    /** Between which segments something dropped at this frame would lie: 0 is before the first. */
    placeAt(frame: number): number {
      const { placed } = timeline.peek();
      return placed.filter(({ span }) => (span.start + span.end) / 2 < frame).length;
    },

    // two tabs, one project
    async keepMineAsCopy(name: string): Promise<Project | null> {
      try {
        const copy = await api.createProject({ title: name, edit: list.peek() }, ports.newKey());
        ports.drafts.forget(projectId);
        const theirs = saving.theirs.peek();
        if (theirs) {
          learn(theirs);
          saving.adopt(theirs.revision);
          show(theirs);
        }
        return copy;
      } catch (error) {
        renderProblem.value = asProblem(error);
        return null;
      }
    },
    takeTheirs() {
      const theirs = saving.theirs.peek();
      if (!theirs) return;
      learn(theirs);
      saving.adopt(theirs.revision);
      show(theirs);
      keepDraft();
    },

    /** Make the video. Pressed again after a lost answer it is the same order. */
    async render(name: string): Promise<Job | null> {
      if (rendering.peek() !== "idle") return null;
      renderProblem.value = null;
      rendering.value = "saving";
      try {
        await saving.flush();
        if (saving.phase.peek() !== "saved") {
          throw saving.problem.peek() ?? failureOf(null);
        }
        rendering.value = "sending";
        const body = JSON.stringify([saving.revision.peek(), name]);
        if (order?.body !== body) order = { body, key: ports.newKey() };
        const job = await api.renderProject(projectId, name, order.key);
        jobs.learn(job);
        return job;
      } catch (error) {
        renderProblem.value = asProblem(error);
        return null;
      } finally {
        rendering.value = "idle";
      }
    },
  };
});

export type EditModel = InstanceType<typeof Edit>;

/** The shape of the canvas that is nearest to a clip's. */
function aspectOf({ width, height }: Clip): Canvas["aspect"] {
  const shape = width / height;
  if (shape > 4 / 3) return "16:9";
  return shape < 3 / 4 ? "9:16" : "1:1";
}

function failureOf(job: Job | null): Problem {
  const { code = "not_saved", title, detail } = job?.error ?? {};
  return new Problem({ status: 422, code, title, detail });
}
