import type { FramePlan, PicturePart } from "../../viewmodel/frame-plan";
import type { EditModel } from "../../viewmodel/edit";
import { type Box, Painter } from "./painter";

interface Reel {
  video: HTMLVideoElement;
  url: string;
  segment: string;
  /** The moment that its picture is known to show */
  at: number | null;
  used: number;
}

const MOST_REELS = 4;
const PATIENCE = 4000;
/** So long after the end of a seek a browser may take to show its picture, or to say nothing of it */
const LATE = 500;
/** Seconds that a running video may be off before it is set right at once */
const JUMP = 0.15;
const DRIFT = 0.025;
/** The next segment's video is wound to its beginning so long before */
const AHEAD = 1.5;

/**
 * Shows a bench's frame on a canvas.
 *
 * At rest the frame is the very one of docs/editor.md: each video is sought to the middle of its frame, and the canvas says
 * which frame it shows in `data-frame` once all of it is drawn. While it plays the videos run by themselves and are held to
 * the clock.
 */
export class Projector {
  readonly #canvas: HTMLCanvasElement;
  readonly #edit: EditModel;
  readonly #painter: Painter;
  readonly #onBoxes: (boxes: Box[]) => void;
  readonly #onTrouble: (trouble: boolean) => void;
  readonly #reels: Reel[] = [];
  readonly #sounds = new Map<string, HTMLAudioElement>();
  #wish = 0;
  #busy = false;
  #raf = 0;
  #last = 0;
  #held = 0;
  #closed = false;
  #uses = 0;

  constructor(
    canvas: HTMLCanvasElement,
    edit: EditModel,
    onBoxes: (boxes: Box[]) => void,
    onTrouble: (trouble: boolean) => void,
  ) {
    this.#canvas = canvas;
    this.#edit = edit;
    this.#painter = new Painter(canvas);
    this.#onBoxes = onBoxes;
    this.#onTrouble = onTrouble;
    // A sleeping phone may take the canvas' memory away.
    canvas.addEventListener("contextlost", () => delete canvas.dataset.frame);
    canvas.addEventListener("contextrestored", () => this.refresh());
  }

  /** The list, the frame or a clip has changed. */
  refresh() {
    if (this.#raf !== 0) return;
    this.#wish += 1;
    delete this.#canvas.dataset.frame;
    void this.#still();
  }

  play() {
    if (this.#raf !== 0) return;
    delete this.#canvas.dataset.frame;
    void this.#painter.fontsFor(this.#edit.list.peek().texts);
    this.#last = performance.now();
    this.#raf = requestAnimationFrame(this.#tick);
  }

  pause() {
    cancelAnimationFrame(this.#raf);
    this.#raf = 0;
    this.#hush();
    this.refresh();
  }

  dispose() {
    this.#closed = true;
    cancelAnimationFrame(this.#raf);
    this.#hush();
    for (const reel of this.#reels) {
      reel.video.removeAttribute("src");
      reel.video.load();
    }
    this.#painter.dispose();
  }

  #hush() {
    for (const reel of this.#reels) {
      reel.video.pause();
      // What a running video shows is known only to itself.
      reel.at = null;
    }
    for (const sound of this.#sounds.values()) sound.pause();
  }

  // ---- at rest ----

  /** Draw the newest wish, then the one that was made meanwhile; what lies between is never asked for. */
  async #still() {
    if (this.#busy) return;
    this.#busy = true;
    for (let done = -1; done !== this.#wish && this.#raf === 0 && !this.#closed;) {
      const wish = this.#wish;
      const plan = this.#edit.pictureAt(this.#edit.shown.peek());
      const [arrived] = await Promise.all([this.#wind(plan), this.#painter.fontsFor(plan.words)]);
      done = wish;
      if (this.#raf !== 0 || this.#closed) break;
      this.#onBoxes(this.#painter.draw(plan, this.#sourceOf));
      this.#onTrouble(!arrived);
      if (wish === this.#wish && arrived) this.#canvas.dataset.frame = String(plan.frame);
    }
    this.#busy = false;
    if (this.#raf === 0 && !this.#closed) this.#prepareNext(AHEAD);
  }

  readonly #sourceOf = (part: PicturePart) =>
    this.#reels.find(({ segment, url }) => segment === part.segment && url === part.video)?.video ?? null;

  async #wind(plan: FramePlan): Promise<boolean> {
    const needed = new Set(plan.pictures.map(({ segment }) => segment));
    const wound = plan.pictures.map((part) => this.#seek(this.#reelFor(part, needed), part));
    return (await Promise.all(wound)).every(Boolean);
  }

  async #seek(reel: Reel, { seconds, sourceFrame }: PicturePart): Promise<boolean> {
    const { video } = reel;
    if (reel.at === seconds && !video.seeking && video.readyState >= 2) return true;
    reel.at = seconds;
    if (video.readyState < 1 && !(await happens(video, "loadedmetadata"))) return false;
    const isShown = presents(video, seconds, seconds / (sourceFrame + 0.5));
    video.currentTime = seconds;
    let arrived = true;
    // An older seek of the same video may end first.
    do arrived = await happens(video, "seeked");
    while (arrived && video.seeking);
    // The seek may end before its picture is there to be drawn.
    if (arrived) await Promise.race([isShown, wait(LATE)]);
    if (!arrived) reel.at = null;
    return arrived && video.readyState >= 2;
  }

  /** The video of a segment: its own, one of the same file that nobody needs now, a new one, or the longest unused. */
  #reelFor(part: PicturePart, needed: ReadonlySet<string>): Reel {
    const free = this.#reels.filter(({ segment }) => !needed.has(segment));
    const own = this.#reels.find(({ segment }) => segment === part.segment);
    const twin = free.find(({ url, video }) => url === part.video && video.paused);
    const reel =
      own ?? twin ?? (this.#reels.length < MOST_REELS ? this.#newReel() : oldest(free)) ?? this.#newReel();
    reel.segment = part.segment;
    reel.used = ++this.#uses;
    if (reel.url !== part.video) {
      reel.url = part.video;
      reel.at = null;
      reel.video.src = part.video;
      // A phone loads nothing by itself.
      reel.video.load();
    }
    return reel;
  }

  #newReel(): Reel {
    const video = document.createElement("video");
    video.muted = true;
    video.playsInline = true;
    video.preload = "auto";
    video.preservesPitch = true;
    const reel = { video, url: "", segment: "", at: null, used: 0 };
    this.#reels.push(reel);
    return reel;
  }

  /** Load the next segment's video and wind it to its first frame. */
  #prepareNext(ahead: number) {
    const { placed, rate } = this.#edit.timeline.peek();
    const here = this.#edit.frame.peek();
    const next = placed.find(({ span }) => span.start > here && span.start - here < ahead * rate);
    if (!next) return;
    const part = this.#edit
      .pictureAt(next.span.start)
      .pictures.find(({ segment }) => segment === next.segment.id);
    if (!part || this.#reels.some(({ segment }) => segment === part.segment)) return;
    const needed = new Set(this.#edit.pictureAt(here).pictures.map(({ segment }) => segment));
    void this.#seek(this.#reelFor(part, needed), part);
  }

  // ---- playing ----

  readonly #tick = (now: number) => {
    const passed = Math.min(250, now - this.#last) / 1000;
    this.#last = now;
    const before = this.#edit.pictureAt(this.#edit.frame.peek());
    // A video that has not arrived holds the clock, though not for ever.
    const waits = before.pictures.some((part) => (this.#sourceOf(part)?.readyState ?? 0) < 2);
    this.#held = waits ? this.#held + passed : 0;
    if (!waits || this.#held > PATIENCE / 1000) this.#edit.advance(passed);
    // At the end the bench has paused, and pause() has been called.
    if (!this.#edit.playing.peek()) {
      this.#raf = 0;
      return this.pause();
    }
    const plan = this.#edit.pictureAt(this.#edit.frame.peek());
    this.#run(plan);
    this.#onBoxes(this.#painter.draw(plan, this.#sourceOf));
    this.#listen(plan.frame);
    this.#prepareNext(AHEAD * Math.max(1, Math.abs(this.#edit.pace.peek())));
    this.#raf = requestAnimationFrame(this.#tick);
  };

  #run(plan: FramePlan) {
    const pace = this.#edit.pace.peek();
    const needed = new Set(plan.pictures.map(({ segment }) => segment));
    for (const part of plan.pictures) {
      const reel = this.#reelFor(part, needed);
      const { video } = reel;
      const speed = part.pace * pace;
      reel.at = null;
      if (speed <= 0 || speed > 16) {
        video.pause();
        if (!video.seeking && video.readyState >= 1) video.currentTime = part.seconds;
        continue;
      }
      const off = video.currentTime - part.seconds;
      if (Math.abs(off) > JUMP * Math.max(1, speed) && !video.seeking) video.currentTime = part.seconds;
      const correction = Math.abs(off) > DRIFT * Math.max(1, speed) ? -off : 0;
      video.playbackRate = Math.max(0.0625, Math.min(16, speed * (1 + correction)));
      if (video.paused) void video.play().catch(ignore);
    }
    for (const reel of this.#reels) if (!needed.has(reel.segment) && !reel.video.paused) reel.video.pause();
  }

  #listen(frame: number) {
    const heard = this.#edit.soundAt(frame);
    const isQuiet = this.#edit.pace.peek() !== 1 || this.#edit.recording.peek() === "recording";
    for (const { segment, video } of this.#reels) {
      const gain = isQuiet ? 0 : (heard.segments[segment] ?? 0);
      video.muted = gain === 0;
      video.volume = Math.min(1, gain);
    }
    const sounding = new Set<string>();
    for (const { id, url, seconds, gain } of isQuiet ? [] : heard.sounds) {
      sounding.add(id);
      const sound = this.#soundFor(id, url);
      sound.volume = Math.min(1, gain);
      if (Math.abs(sound.currentTime - seconds) > JUMP && !sound.seeking) sound.currentTime = seconds;
      if (sound.paused) void sound.play().catch(ignore);
    }
    for (const [id, sound] of this.#sounds) if (!sounding.has(id)) sound.pause();
  }

  #soundFor(id: string, url: string): HTMLAudioElement {
    let sound = this.#sounds.get(id);
    if (!sound) {
      sound = new Audio();
      sound.preload = "auto";
      this.#sounds.set(id, sound);
    }
    if (sound.dataset.url !== url) {
      sound.dataset.url = url;
      sound.src = url;
    }
    return sound;
  }
}

const oldest = (reels: readonly Reel[]): Reel | undefined =>
  reels.toSorted((one, other) => one.used - other.used)[0];

/** True when it does; false when the file is broken or it takes too long. */
function happens(video: HTMLVideoElement, name: "seeked" | "loadedmetadata"): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (arrived: boolean) => () => {
      clearTimeout(timer);
      video.removeEventListener(name, yes);
      video.removeEventListener("error", no);
      resolve(arrived);
    };
    const yes = end(true);
    const no = end(false);
    const timer = setTimeout(no, PATIENCE);
    video.addEventListener(name, yes);
    video.addEventListener("error", no);
    if (video.error) no();
  });
}

const wait = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** When the frame that lies around this moment, so many seconds long, is really shown. */
function presents(video: HTMLVideoElement, seconds: number, length: number): Promise<void> {
  if (!("requestVideoFrameCallback" in video)) return Promise.resolve();
  return new Promise((resolve) => {
    let tries = 0;
    const look = (_now: number, { mediaTime }: VideoFrameCallbackMetadata) => {
      // The moment is the frame's middle, its time in the file the beginning.
      const since = (seconds - mediaTime) / length;
      if (since > 0 && since < 1) return resolve();
      if (++tries < 8) video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  });
}

function ignore() {
  // A browser may refuse to start by itself; the play button is there.
}
