import { batch, computed, createModel, effect, type ReadonlySignal, signal } from "@preact/signals";

import type { StayAwake } from "../model/awake";
import type { Shot, Wish } from "../model/live/camera";
import type { FilmEntry } from "../model/live/film";
import type { Studio, StudioEvents, Take } from "../model/live/studio";
import type { LiveTools } from "../model/live/tools";
import type { Backend } from "../model/painter/protocol";
import { asProblem, type Problem } from "../model/problem";
import { StyleChoice } from "./live-styles";
import type { Over } from "./upload";

export type FilmKind = "painted" | "raw";

export interface LivePorts {
  live: () => Promise<LiveTools>;
  pictures: { open: (picture: Blob) => string; close: (url: string) => void };
  /** Called when the page is hidden; the answer ends that. */
  onHidden: (listener: () => void) => () => void;
  /** Called when the document is left, and when it is shown again as it was; the answer ends that. */
  onLeave: (left: () => void, back: () => void) => () => void;
  /**
   * Take a film to the uploads; `over` is called once it is a clip or will not be one.
   *
   * @param style what the easel is to begin with
   * @returns whether they have it, or will once there is a network
   */
  use: (film: File, kind: FilmKind, over: Over, style?: string | null) => boolean;
  /** A film that still waits for a network is not to be uploaded after all; `over` is not called. */
  takeBack: (film: File) => void;
  secondsMost: () => number | null;
  stayAwake: StayAwake;
  now: () => number;
  setTimeout: (run: () => void, milliseconds: number) => unknown;
  clearTimeout: (timer: never) => void;
}

export type LivePhase =
  "opening" | "ready" | "counting" | "recording" | "paused" | "finishing" | "review" | "failed";

export const SECONDS_MOST = 60;
const COUNTDOWN = 3;
/** Meanwhile nobody touches the screen, and it must not go off. */
const FILMING: ReadonlySet<LivePhase> = new Set(["counting", "recording", "finishing"]);
const TICK = 100;

/** Recording live: what the camera sees, painted, on the screen and in a film. */
export const Live = createModel((ports: LivePorts, firstStyle: string | null) => {
  const phase = signal<LivePhase>("opening");
  const problem = signal<Problem | null>(null);
  const notice = signal<
    Problem | "paused_hidden" | "interrupted" | "at_limit" | "no_sound" | "open_elsewhere" | null
  >(null);
  const isSeen = signal(false);
  const shot = signal<(Omit<Shot, "video" | "sound"> & { sound: boolean }) | null>(null);
  const backend = signal<Backend | null>(null);
  const rate = signal<{ framesPerSecond: number; short: number } | null>(null);
  const count = signal(0);
  const seconds = signal(0);
  const mirrorFilm = signal(true);
  const wantsRaw = signal(false);
  const canKeepRaw = signal(true);
  const keepRaw = computed(() => wantsRaw.value && canKeepRaw.value);
  const take = signal<{ take: Take; url: string; rawUrl: string | null } | null>(null);
  const found = signal<FilmEntry | null>(null);
  const recording = computed(() => phase.value === "recording" || phase.value === "paused");
  const isFront = computed(() => shot.value?.facing === "user");

  let tools: LiveTools | null = null;
  let studio: Studio | null = null;
  let canvas: HTMLCanvasElement | null = null;
  let timer: unknown = null;
  let counting: AbortController | null = null;
  let longest = 0;
  let isHeard = false;
  let closed = false;
  /** What the uploads have, or will once there is a network. */
  let handedOver: File | null = null;

  const styles = new StyleChoice(
    {
      embed: (picture) => studio!.embed(picture),
      openPicture: ports.pictures.open,
      closePicture: ports.pictures.close,
    },
    (ingredient, strength) => studio!.choose([ingredient], strength),
  );

  const most = () => Math.min(SECONDS_MOST, ports.secondsMost() ?? SECONDS_MOST);

  const events: StudioEvents = {
    seen: () => {
      isSeen.value = true;
    },
    painted: (now) => {
      rate.value = now;
    },
    ended: (reason) => void ended(reason),
    notice: (what) => {
      notice.value = what;
    },
    silent: () =>
      batch(() => {
        isHeard = false;
        shot.value = shot.peek() && { ...shot.peek()!, sound: false };
        notice.value = "no_sound";
      }),
    heard: () =>
      batch(() => {
        isHeard = true;
        shot.value = shot.peek() && { ...shot.peek()!, sound: true };
        if (notice.peek() === "no_sound") notice.value = null;
      }),
    interrupted: () => halt("interrupted"),
  };

  /** Nothing can be shown, so nothing is looked at or listened to. */
  function fail(reason: unknown) {
    studio?.close();
    studio = null;
    if (closed) return;
    batch(() => {
      problem.value = asProblem(reason);
      phase.value = "failed";
    });
  }

  /** The camera is gone: what was recorded until then is a film. */
  async function ended(reason: Problem) {
    if (phase.peek() === "finishing" || phase.peek() === "review") {
      // That costs the next film a studio of its own, and not this one.
      problem.value = reason;
      return;
    }
    if (!recording.peek()) {
      stopCounting();
      fail(reason);
      // What was recorded before needs no camera.
      await find();
      return;
    }
    notice.value = reason;
    await stop();
    problem.value = reason;
  }

  function stopTimer() {
    if (timer !== null) ports.clearTimeout(timer as never);
    timer = null;
  }

  function later(run: () => void, milliseconds: number) {
    stopTimer();
    timer = ports.setTimeout(run, milliseconds);
  }

  async function openCamera(mine: Studio, wish: Wish) {
    // A microphone may fail while its camera is still being opened.
    isHeard = true;
    isSeen.value = false;
    const opened = await mine.openCamera(wish);
    if (!opened || mine !== studio) return;
    const { facing, camera, other } = opened;
    const sound = opened.sound !== null && isHeard;
    shot.value = { facing, camera, other, sound };
    if (!sound) notice.value = "no_sound";
    canKeepRaw.value = await mine.canKeepRaw();
  }

  /** Nobody has left meanwhile, and nothing has failed. */
  const isOpening = (mine: Studio) => !closed && mine === studio && phase.peek() === "opening";

  /** @param otherwise the camera to go back to where that one does not open */
  async function changeCamera(wish: Wish, otherwise: Wish | null) {
    const mine = studio!;
    batch(() => {
      phase.value = "opening";
      rate.value = null;
    });
    try {
      await openCamera(mine, wish).catch(async (reason: unknown) => {
        if (!isOpening(mine)) return;
        if (!otherwise) throw reason;
        await openCamera(mine, otherwise);
        notice.value = asProblem(reason);
      });
      if (isOpening(mine)) phase.value = "ready";
    } catch (error) {
      if (isOpening(mine)) fail(error);
    }
  }

  async function open() {
    batch(() => {
      phase.value = "opening";
      problem.value = null;
      notice.value = null;
      rate.value = null;
    });
    let mine: Studio | null = null;
    try {
      tools ??= await ports.live();
      if (closed) return;
      studio?.close();
      mine = studio = tools.studio(events);
      mine.show(canvas);
      // The camera's question, the networks and the presets need not wait for each other.
      const [opened] = await Promise.all([
        mine.openPainter(),
        openCamera(mine, "user"),
        styles.presets.peek().length > 0 ? null : styles.load(tools.shelf(), firstStyle),
      ]);
      if (!isOpening(mine)) return;
      // Without a style nothing is ever painted.
      if (styles.chosen.peek() === null && styles.problem.peek()) throw styles.problem.peek()!;
      backend.value = opened.backend;
      await styles.paintWith(opened.model);
      await styles.apply();
      if (!isOpening(mine)) return;
      phase.value = "ready";
      await find();
      void styles.keep();
    } catch (error) {
      // Left meanwhile, and perhaps opened anew.
      if (mine !== null && mine !== studio) return;
      fail(error);
      // What was recorded before needs no camera.
      if (tools) await find();
    }
  }

  function countDown(left: number) {
    count.value = left;
    if (left > 0) later(() => countDown(left - 1), 1000);
    else void begin();
  }

  /** Also while the film is being prepared, which takes a moment more. */
  function stopCounting() {
    stopTimer();
    counting?.abort();
  }

  function cancelCountdown() {
    if (phase.peek() !== "counting") return;
    stopCounting();
    phase.value = "ready";
  }

  async function begin() {
    const { signal: wish } = counting!;
    try {
      longest = most();
      const isRecording = await studio!.record({ raw: keepRaw.peek(), most: longest, signal: wish });
      if (!isRecording || wish.aborted) return;
      batch(() => {
        seconds.value = 0;
        phase.value = "recording";
      });
      tick();
    } catch (error) {
      if (!wish.aborted) fail(error);
    }
  }

  function tick() {
    if (phase.peek() !== "recording") return;
    seconds.value = studio!.seconds;
    if (seconds.peek() < longest) {
      later(tick, TICK);
      return;
    }
    notice.value = "at_limit";
    void stop();
  }

  function pause() {
    if (phase.peek() !== "recording") return;
    studio!.pause();
    stopTimer();
    phase.value = "paused";
  }

  async function stop() {
    if (!recording.peek()) return;
    stopTimer();
    phase.value = "finishing";
    try {
      const made = await studio!.stop(nameOf(ports.now()));
      if (made) review(made);
    } catch (error) {
      // What had been written is in the store and can be taken up there.
      await find();
      fail(error);
    }
  }

  /** A film that was found takes nobody's place: nothing is recorded, and no other film is looked at. */
  const mayLook = () => !closed && (phase.peek() === "ready" || phase.peek() === "failed");

  /** The newest recording that was cut off, and that nobody has. */
  async function find() {
    found.value = (await tools!.unfinished())[0] ?? null;
  }

  /** The one that was found, now this tab's; null where another has been quicker. */
  async function takeFound(): Promise<FilmEntry | null> {
    const entry = found.peek();
    if (!entry || !mayLook()) return null;
    found.value = null;
    if (await tools!.claim(entry.id)) return entry;
    notice.value = "open_elsewhere";
    await find();
    return null;
  }

  /** Left to be found again. */
  async function putBack({ id }: FilmEntry) {
    tools!.release(id);
    await find();
  }

  /** Another recording may have been begun while this one was being read. */
  async function lookAt(entry: FilmEntry) {
    const made = mayLook() ? await tools!.recover(entry, nameOf(entry.startedAt)) : null;
    if (!mayLook()) await putBack(entry);
    else if (made) review(made);
    else await tools!.forget(entry.id);
  }

  function review(made: Take) {
    if (closed) {
      tools!.release(made.id);
      return;
    }
    handedOver = null;
    // Nobody films whoever looks at a film.
    studio?.closeCamera();
    batch(() => {
      rate.value = null;
      take.value = {
        take: made,
        url: ports.pictures.open(made.painted),
        rawUrl: made.raw && ports.pictures.open(made.raw),
      };
      phase.value = "review";
    });
  }

  /** The uploads are done with a film: only a clip takes its place. */
  function over(id: string, isClip: boolean) {
    const shown = !closed && take.peek()?.take.id === id;
    if (shown) handedOver = null;
    if (isClip) void tools!.forget(id);
    else if (!shown) tools!.release(id);
  }

  function closeTake() {
    const shown = take.peek();
    take.value = null;
    if (!shown) return;
    ports.pictures.close(shown.url);
    if (shown.rawUrl) ports.pictures.close(shown.rawUrl);
  }

  const isFilming = computed(() => FILMING.has(phase.value));
  effect(() => (isFilming.value ? ports.stayAwake() : undefined));

  effect(() => {
    const mirror = isFront.value && mirrorFilm.value;
    if (shot.value) studio?.mirror(mirror);
  });

  /** Nothing is recorded for now: there is nothing to record, or nobody who sees it. */
  function halt(why: "paused_hidden" | "interrupted") {
    cancelCountdown();
    if (phase.peek() !== "recording") return;
    pause();
    notice.value = why;
  }

  const stopWatching = ports.onHidden(() => halt("paused_hidden"));

  /**
   * Give the camera back and let go of its frames. Chromium hands out no others while a few of one camera are held,
   * and those of a document that was left are held until its memory is cleared: the next one would see nothing.
   */
  function leave() {
    stopCounting();
    studio?.close();
    studio = null;
    if (["review", "finishing", "failed"].includes(phase.peek())) return;
    batch(() => {
      phase.value = "opening";
      rate.value = null;
    });
  }

  function comeBack() {
    if (phase.peek() === "opening") void open();
  }

  const stopLeaving = ports.onLeave(leave, comeBack);

  return {
    styles,
    phase: phase as ReadonlySignal<LivePhase>,
    problem: problem as ReadonlySignal<Problem | null>,
    notice: notice as ReadonlySignal<typeof notice.value>,
    shot: shot as ReadonlySignal<typeof shot.value>,
    backend: backend as ReadonlySignal<Backend | null>,
    rate: rate as ReadonlySignal<typeof rate.value>,
    count: count as ReadonlySignal<number>,
    seconds: seconds as ReadonlySignal<number>,
    mirrorFilm: mirrorFilm as ReadonlySignal<boolean>,
    keepRaw,
    canKeepRaw: canKeepRaw as ReadonlySignal<boolean>,
    take: take as ReadonlySignal<typeof take.value>,
    found: found as ReadonlySignal<FilmEntry | null>,
    recording,
    isFront,
    secondsMost: computed(() => most()),
    /** What has to come before the next picture is seen: after the camera, the first painting. Without a style none comes. */
    waitsFor: computed<"camera" | "painter" | "film" | null>(() => {
      if (phase.value === "finishing") return "film";
      const isPainting = styles.chosen.value !== null && styles.problem.value === null;
      if (phase.value !== "opening" && (rate.value !== null || !isPainting)) return null;
      return isSeen.value ? "painter" : "camera";
    }),
    /** The film is not mirrored, but whoever looks at themselves expects a mirror. */
    mirrorView: computed(() => isFront.value && !mirrorFilm.value),
    /** What is being recorded cannot change its camera or its options. */
    canChange: computed(() => phase.value === "ready"),
    /** What was found may be looked at or thrown away now. */
    canTakeFound: computed(() => phase.value === "ready" || phase.value === "failed"),

    open,
    show(element: HTMLCanvasElement | null) {
      canvas = element;
      studio?.show(element);
    },
    setMirrorFilm(on: boolean) {
      if (phase.peek() === "ready") mirrorFilm.value = on;
    },
    setKeepRaw(on: boolean) {
      if (phase.peek() === "ready" && canKeepRaw.peek()) wantsRaw.value = on;
    },
    async flip() {
      const before = shot.peek();
      if (phase.peek() === "ready" && before?.other) await changeCamera(before.other, before.camera);
    },
    /** Three, two, one. */
    start() {
      if (phase.peek() !== "ready") return;
      batch(() => {
        notice.value = null;
        phase.value = "counting";
      });
      counting = new AbortController();
      countDown(COUNTDOWN);
    },
    cancelCountdown,
    pause,
    resume() {
      if (phase.peek() !== "paused") return;
      studio!.resume();
      batch(() => {
        notice.value = null;
        phase.value = "recording";
      });
      tick();
    },
    stop,
    /** Throw this one away and make another. */
    async retake() {
      const shown = take.peek();
      if (!shown) return;
      if (handedOver) ports.takeBack(handedOver);
      batch(() => {
        closeTake();
        notice.value = null;
        phase.value = "opening";
      });
      await tools!.forget(shown.take.id);
      if (closed) return;
      if (problem.peek() || !studio) await open();
      else await changeCamera(shot.peek()!.camera, null);
    },
    use(kind: FilmKind) {
      const shown = take.peek();
      const film = kind === "raw" ? shown?.take.raw : shown?.take.painted;
      if (!shown || !film) return;
      const { id } = shown.take;
      const style = kind === "raw" ? styles.preset.peek() : null;
      handedOver = ports.use(film, kind, (isClip) => over(id, isClip), style) ? film : null;
    },
    /** A recording that a reload cut off. */
    async lookAtFound() {
      const entry = await takeFound();
      if (!entry) return;
      try {
        await lookAt(entry);
      } catch (error) {
        notice.value = asProblem(error);
        await putBack(entry);
      }
    },
    async dropFound() {
      const entry = await takeFound();
      if (entry) await tools!.forget(entry.id);
    },
    dismiss() {
      notice.value = null;
    },
    close() {
      closed = true;
      stopCounting();
      stopWatching();
      stopLeaving();
      // A film that waits to be uploaded stays this tab's.
      if (take.peek() && !handedOver) tools!.release(take.peek()!.take.id);
      closeTake();
      styles.close();
      studio?.close();
      studio = null;
    },
  };
});

export type LiveModel = InstanceType<typeof Live>;

/** “impasto-2026-01-31-1205”, in the time of the place. */
function nameOf(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `impasto-${day}-${two(date.getHours())}${two(date.getMinutes())}`;
}
