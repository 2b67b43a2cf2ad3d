import {
  batch,
  computed,
  createModel,
  effect,
  type ReadonlySignal,
  type Signal,
  signal,
  untracked,
} from "@preact/signals";

import type { LiveTools } from "../model/live/tools";
import type { Model, Painter } from "../model/painter/protocol";
import { asProblem, Problem } from "../model/problem";
import { type LivePorts, SECONDS_MOST } from "./live";
import { StyleChoice } from "./live-styles";

export type LocalPhase = "opening" | "choosing" | "painting" | "done" | "failed";

export const QUALITIES = [256, 384, 480] as const;
export type Quality = (typeof QUALITIES)[number];

/**
 * The longest film that is painted here. The painting is held in memory until it is whole, and twice while it is
 * written out: some 20 MB a minute at 720 lines, so that a phone still has room for ten minutes.
 */
export const HERE_SECONDS_MOST = 600;
/** The server takes that much more than it says: recordings come out a few frames longer. */
const GRACE = 0.5;

/** After these the same painter fails whatever it is asked: another one has to be opened. */
const BROKEN = new Set(["painter_lost", "painter_failed"]);

/** A film that this device has painted. */
export interface Made {
  film: File;
  seconds: number;
  soundLost: boolean;
  /** It was downloaded: nothing is lost with the page. */
  saved: boolean;
}

export interface LocalPorts extends Pick<
  LivePorts,
  "live" | "pictures" | "use" | "takeBack" | "secondsMost" | "stayAwake" | "now"
> {
  /** Outlives the screen: whoever has to log in first, or looks elsewhere, finds the film when they come back. */
  made: Signal<Made | null>;
  /** Have whoever leaves document or screen be asked first; the answer ends that. */
  askBeforeLeaving: () => () => void;
}

/** Painting a film that lies on this device, without sending it anywhere. */
export const LocalRestyle = createModel((ports: LocalPorts, firstStyle: string | null) => {
  const phase = signal<LocalPhase>("opening");
  const problem = signal<Problem | null>(null);
  const file = signal<File | null>(null);
  const filmSeconds = signal(0);
  const quality = signal<Quality>(384);
  const progress = signal(0);
  const done = signal<(Made & { url: string }) | null>(null);
  const now = signal(0);
  const secondsMost = computed(() => ports.secondsMost() ?? SECONDS_MOST);
  const onlyHere = computed(() => (done.value?.seconds ?? filmSeconds.value) > secondsMost.value + GRACE);
  let tools: LiveTools | null = null;
  let painter: Painter | null = null;
  let model: Model | null = null;
  let began = 0;
  let cancelling: AbortController | null = null;
  let closed = false;
  let choices = 0;

  const styles = new StyleChoice(
    {
      embed: async (picture) => painter!.embed(await tools!.pictureOf(picture)),
      openPicture: ports.pictures.open,
      closePicture: ports.pictures.close,
    },
    async (ingredient, strength) => {
      await painter!.choose([ingredient], strength);
    },
  );

  function fail(error: unknown, then: LocalPhase) {
    if (closed) return;
    batch(() => {
      problem.value = asProblem(error);
      phase.value = then;
    });
  }

  function show(made: Made) {
    batch(() => {
      done.value = { ...made, url: ports.pictures.open(made.film) };
      phase.value = "done";
    });
  }

  function closeDone() {
    if (done.peek()) ports.pictures.close(done.peek()!.url);
    done.value = null;
  }

  async function open() {
    const left = ports.made.peek();
    if (left) return show(left);
    phase.value = "opening";
    problem.value = null;
    try {
      tools ??= await ports.live();
      if (closed) return;
      painter?.close();
      painter = tools.painter();
      const [opened] = await Promise.all([
        painter.open("best", null),
        styles.presets.peek().length > 0 ? null : styles.load(tools.shelf(), firstStyle),
      ]);
      if (closed) return;
      model = opened.model;
      await styles.paintWith(model);
      await styles.apply();
      phase.value = "choosing";
      void styles.keep();
    } catch (error) {
      fail(error, "failed");
    }
  }

  effect(() => (phase.value === "painting" ? ports.stayAwake() : undefined));
  effect(() => (phase.value === "painting" ? ports.askBeforeLeaving() : undefined));

  function chooseAgain() {
    // The film was there already when this screen opened.
    if (!painter) return void open();
    phase.value = "choosing";
    // The painter is still held to the film's measure.
    void styles.apply();
  }

  effect(() => {
    const film = ports.made.value?.film;
    // It became a clip while it was looked at once more: used again, it would become another.
    if (closed || phase.peek() !== "done" || done.peek()?.film === film) return;
    untracked(closeDone);
    untracked(chooseAgain);
  });

  async function loadStyles() {
    const chosen = styles.chosen.peek();
    try {
      await styles.load(tools!.shelf(), firstStyle);
      await styles.paintWith(model!);
      await (chosen === null ? styles.apply() : styles.pick(chosen));
      void styles.keep();
    } catch (error) {
      fail(error, "choosing");
    }
  }

  return {
    styles,
    phase: phase as ReadonlySignal<LocalPhase>,
    problem: problem as ReadonlySignal<Problem | null>,
    file: file as ReadonlySignal<File | null>,
    filmSeconds: filmSeconds as ReadonlySignal<number>,
    quality: quality as ReadonlySignal<Quality>,
    secondsMost,
    /** The film is longer than a clip may be: it can be painted and downloaded, but not published. */
    onlyHere,
    progress: progress as ReadonlySignal<number>,
    done: done as ReadonlySignal<typeof done.value>,
    canPaint: computed(
      () => phase.value === "choosing" && file.value !== null && styles.chosen.value !== null,
    ),
    /** Seconds that are left at the pace so far; null while that is only a guess. */
    secondsLeft: computed(() => {
      const elapsed = (now.value - began) / 1000;
      return progress.value < 0.02 ? null : (elapsed / progress.value) * (1 - progress.value);
    }),

    open,
    /** Once more, where no preset could be had; a picture of one's own that was chosen meanwhile stays chosen. */
    loadStyles,
    setQuality(value: Quality) {
      quality.value = value;
    },
    async choose(chosen: File) {
      const mine = ++choices;
      try {
        const seconds = await tools!.lengthOf(chosen);
        if (mine !== choices) return;
        if (seconds > HERE_SECONDS_MOST) throw new Problem({ status: -2, code: "too_long_here" });
        batch(() => {
          file.value = chosen;
          filmSeconds.value = seconds;
          problem.value = null;
        });
      } catch (error) {
        if (mine === choices) fail(error, "choosing");
      }
    },
    async paint() {
      const film = file.peek();
      if (phase.peek() !== "choosing" || !film || !painter) return;
      // A film whose length is still being read is not the one that is painted.
      choices += 1;
      const mine = new AbortController();
      cancelling = mine;
      began = ports.now();
      batch(() => {
        now.value = began;
        progress.value = 0;
        problem.value = null;
        phase.value = "painting";
      });
      try {
        const { film: painted, soundLost } = await tools!.restyleFile(film, painter, {
          short: quality.peek(),
          signal: mine.signal,
          onProgress: (share) =>
            batch(() => {
              progress.value = share;
              now.value = ports.now();
            }),
        });
        if (closed) return;
        const made = { film: painted, seconds: filmSeconds.peek(), soundLost, saved: false };
        ports.made.value = made;
        show(made);
      } catch (error) {
        if (mine.signal.aborted) phase.value = "choosing";
        else fail(error, BROKEN.has(asProblem(error).code) ? "failed" : "choosing");
      }
    },
    cancel: () => cancelling?.abort(),
    /** Another style for the same film, or another film. */
    again() {
      const film = done.peek()?.film;
      if (film) ports.takeBack(film);
      closeDone();
      ports.made.value = null;
      chooseAgain();
    },
    downloaded() {
      const made = ports.made.peek();
      if (made) ports.made.value = { ...made, saved: true };
    },
    publish() {
      const film = done.peek()?.film;
      if (!film || onlyHere.peek()) return;
      // It is there until its clip is: an upload may yet be refused.
      ports.use(film, "painted", (isClip) => {
        if (isClip && ports.made.peek()?.film === film) ports.made.value = null;
      });
    },
    close() {
      closed = true;
      cancelling?.abort();
      closeDone();
      styles.close();
      painter?.close();
    },
  };
});

export type LocalRestyleModel = InstanceType<typeof LocalRestyle>;
