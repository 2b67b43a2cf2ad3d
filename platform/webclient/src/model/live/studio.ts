import type { AudioSample } from "mediabunny";

import { Adaptation } from "../painter/adaptation";
import type { Opened, Painter } from "../painter/protocol";
import { filmSize, middleOf, type Size } from "../painter/pixels";
import type { Ingredient, Vector } from "../painter/style";
import { asProblem, Problem } from "../problem";
import { Camera, type CameraPorts, closeShot, type Shot, type Wish } from "./camera";
import { Lag, RecordingClock } from "./clocks";
import {
  bound,
  CapturingWriter,
  type Codecs,
  codecsFor,
  EncodingWriter,
  type FilmWriter,
  recorderType,
} from "./encoding";
import { type FilmStore, type FilmTrack, GrowingFilm } from "./film";
import { type CapturedFrame, captureFrames, type FramePorts, type FrameSource } from "./frames";
import type { FilmLocks } from "./locks";
import { lengthOf } from "./restyle";
import { captureSound, type SoundSource } from "./sound";

export interface Take {
  id: string;
  painted: File;
  /** What the camera saw, where that was wished for. */
  raw: File | null;
}

export interface StudioEvents {
  /** A camera is open. The painter may need longer. */
  seen(): void;
  /** A painted frame is on the canvas. */
  painted(rate: { framesPerSecond: number; short: number }): void;
  /** The camera is gone, or nothing can be painted or written any more; a recording is to be stopped. */
  ended(problem: Problem): void;
  /** Something is worse than it was, and everything goes on. */
  notice(problem: Problem): void;
  /** The microphone is not heard, or no longer; everything else goes on. */
  silent(): void;
  /** It is heard after all: the next film has sound. */
  heard(): void;
  /** Something else has camera or microphone, as a call does: for now nothing comes of it. */
  interrupted(): void;
}

export interface StudioPorts extends CameraPorts, FramePorts {
  openPainter: () => Painter;
  films: FilmStore;
  locks: Pick<FilmLocks, "claim" | "release">;
  newKey: () => string;
}

// What is shown and recorded, on the short side. Paintings are smaller and are drawn larger.
const FILM_SHORT = 480;
const SECOND = 1000;
// Milliseconds for which the end of the sound is waited for: a microphone may be gone.
const SOUND_PATIENCE = 300;
// Milliseconds. Chromium calls a camera muted that has handed out nothing for a second, as on a busy device.
const MUTED_PATIENCE = 2000;

interface Recording {
  id: string;
  clock: RecordingClock;
  /** Seconds that it may last. */
  most: number;
  painted: FilmWriter;
  raw: FilmWriter | null;
  films: Partial<Record<FilmTrack, GrowingFilm>>;
  /** It is being stopped, and whoever stops it sees to what it holds. */
  isEnding: boolean;
}

/** A recording that is being prepared. */
interface Draft {
  id: string;
  films: Recording["films"];
  writers: FilmWriter[];
}

/** Camera, painter and film, put together: frames in, paintings on a canvas and in a file. */
export class Studio {
  readonly #ports: StudioPorts;
  readonly #events: StudioEvents;
  readonly #camera: Camera;
  readonly #painter: Painter;
  readonly #adaptation = new Adaptation();
  readonly #seen: number[] = [];
  /** Of paintings behind what the camera saw. */
  readonly #lag = new Lag();
  #canvas: HTMLCanvasElement | null = null;
  #shot: Shot | null = null;
  /** Which opening of a camera is the newest. */
  #opening = 0;
  #frames: FrameSource | null = null;
  #sounds: SoundSource | null = null;
  /** Whether films are to have sound. */
  #isHeard = false;
  #recording: Recording | null = null;
  #waiting: CapturedFrame | null = null;
  #busy = false;
  #current: Promise<void> = Promise.resolve();
  #chosen = false;
  #closed = false;
  #mirror = false;
  #heardAll = () => {};

  constructor(ports: StudioPorts, events: StudioEvents) {
    this.#ports = ports;
    this.#events = events;
    this.#camera = new Camera(ports);
    this.#painter = ports.openPainter();
  }

  /** @throws Problem no_model, bad_signature, bad_model, offline, painter_failed */
  openPainter(): Promise<Opened> {
    return this.#painter.open("best", null);
  }

  /** Whether what the camera sees can be written beside its painting: recording a canvas, the browser writes one film. */
  async canKeepRaw(): Promise<boolean> {
    return this.#shot !== null && (await codecsOf(this.#shot, sizeOf(this.#shot))) !== null;
  }

  /**
   * @returns null where it was closed meanwhile, or another one is being opened
   * @throws Problem as `Camera.open`
   */
  async openCamera(wish: Wish): Promise<Shot | null> {
    this.closeCamera();
    const mine = this.#opening;
    const shot = await this.#camera.open(wish);
    if (mine !== this.#opening) {
      closeShot(shot);
      return null;
    }
    this.#shot = shot;
    this.#isHeard = shot.sound !== null;
    this.#events.seen();
    await this.#painter.begin();
    if (mine !== this.#opening) return null;
    const isNow = () => this.#shot === shot;
    this.#frames = captureFrames(
      shot.video,
      this.#ports,
      (captured) => (isNow() ? this.#take(captured) : captured.frame.close()),
      () => isNow() && this.#end("camera_lost"),
    );
    for (const track of [shot.video, shot.sound]) if (track) this.#watch(track, isNow);
    await this.#listen(shot, isNow);
    return mine === this.#opening ? shot : null;
  }

  async #listen(shot: Shot, isNow: () => boolean) {
    // A browser that records the canvas hears the microphone itself.
    if (!shot.sound || !(await codecsOf(shot, sizeOf(shot))) || !isNow()) return;
    this.#sounds = captureSound(shot.sound, this.#ports.now, {
      sound: (sound, at) => (isNow() ? this.#hear(sound, at) : sound.close()),
      missing: () => isNow() && this.#silence(),
      failed: () => {
        if (!isNow()) return;
        this.#sounds = null;
        this.#silence();
      },
    });
  }

  #watch(track: MediaStreamTrack, isNow: () => boolean) {
    const said = () => isNow() && track.muted && this.#events.interrupted();
    track.addEventListener("mute", () => setTimeout(said, MUTED_PATIENCE));
  }

  #silence() {
    this.#isHeard = false;
    this.#recording?.painted.silence();
    this.#recording?.raw?.silence();
    this.#events.silent();
  }

  /** Nothing is looked at until a camera is opened again. */
  closeCamera() {
    this.#opening += 1;
    this.#frames?.stop();
    this.#sounds?.stop();
    if (this.#shot) closeShot(this.#shot);
    this.#waiting?.frame.close();
    this.#shot = this.#frames = this.#sounds = this.#waiting = null;
  }

  /** Where paintings appear. */
  show(canvas: HTMLCanvasElement | null) {
    this.#canvas = canvas;
  }

  /** Whether paintings are mirrored: what is on the canvas is what is recorded. */
  mirror(on: boolean) {
    this.#mirror = on;
  }

  async choose(ingredients: readonly Ingredient[], strength: number) {
    await this.#painter.choose(ingredients, strength);
    this.#chosen = true;
  }

  async embed(picture: Blob): Promise<Vector> {
    return await this.#painter.embed(await createImageBitmap(picture));
  }

  /**
   * @param options.most seconds after which nothing more is recorded
   * @param options.signal aborted where nobody wants it any more
   * @returns whether it records; where it does not, nothing of it is left
   * @throws Problem `no_encoder` where the browser can write no film
   */
  async record(options: { raw: boolean; most: number; signal: AbortSignal }): Promise<boolean> {
    const canvas = this.#canvas;
    const shot = this.#shot;
    if (!canvas || !shot) throw new Error("there is nothing to record yet");
    const isOver = () => options.signal.aborted || this.#closed || this.#shot !== shot;
    const draft: Draft = { id: this.#ports.newKey(), films: {}, writers: [] };
    try {
      const painted = (await this.#write(draft, "painted", shot, canvas))!;
      const raw = options.raw && !isOver() ? await this.#write(draft, "raw", shot, null) : null;
      // Before the film can be found: no other tab may take it for one that was left behind.
      if (!isOver()) await this.#ports.locks.claim(draft.id);
      if (!isOver()) await this.#begin(draft.id, painted, raw);
      const { most } = options;
      const clock = new RecordingClock(most);
      if (!isOver()) this.#start({ ...draft, painted, raw, clock, most, isEnding: false });
      else await this.#forget(draft);
    } catch (error) {
      await this.#forget(draft);
      throw error;
    }
    return !isOver();
  }

  pause() {
    this.#recording?.clock.pause(this.#ports.now());
    this.#recording?.painted.pause();
  }

  resume() {
    this.#recording?.clock.start(this.#ports.now());
    this.#recording?.painted.resume();
  }

  /** Seconds recorded so far. */
  get seconds(): number {
    return this.#recording?.clock.elapsed(this.#ports.now()) ?? 0;
  }

  /**
   * End the recording; null where none was running. The film stays this tab's, unless nothing is seen in it.
   *
   * @throws Problem `encoder_failed` where nothing had been written when an encoder gave up
   */
  async stop(name: string): Promise<Take | null> {
    const recording = this.#recording;
    if (!recording) return null;
    this.pause();
    recording.isEnding = true;
    const end = recording.clock.elapsed(this.#ports.now());
    // The frame that is being painted was captured before the end, and so was the sound that is on its way.
    await Promise.all([this.#current.catch(() => undefined), this.#lastSound()]);
    this.#recording = null;
    this.#frames?.clock.release();
    this.#sounds?.clock.release();
    // Each for itself: what cannot be ended lets go of its encoder and of the camera's frames.
    const [painted, raw] = await Promise.allSettled([
      recording.painted.finish(end),
      recording.raw?.finish(end),
    ]);
    const take = await takeOf(recording, name);
    if (raw.status === "rejected") this.#events.notice(problem("raw_failed"));
    if (painted.status === "rejected") await this.#cutOff(take, painted.reason);
    return take;
  }

  /** What was written until an encoder gave up is a film, too, if anything is seen in it. */
  async #cutOff({ id, painted }: Take, reason: unknown) {
    if (await isSeen(painted)) {
      this.#events.notice(asProblem(reason));
      return;
    }
    this.#ports.locks.release(id);
    throw reason;
  }

  close() {
    this.#closed = true;
    this.closeCamera();
    if (this.#recording && !this.#recording.isEnding) void this.#leave(this.#recording);
    this.#painter.close();
  }

  /** What the canvas or the camera shows, written; null where the browser can only record a canvas. */
  async #write(
    draft: Draft,
    track: FilmTrack,
    shot: Shot,
    canvas: HTMLCanvasElement | null,
  ): Promise<FilmWriter | null> {
    const unkept = () => this.#events.notice(problem("disk_full"));
    const film = new GrowingFilm(this.#ports.films, draft.id, track, unkept);
    const sink = (bytes: Blob) => film.append(bytes);
    const codecs = await codecsOf(shot, canvas ?? sizeOf(shot));
    if (!codecs && !canvas) return null;
    const writer = codecs
      ? await EncodingWriter.open(codecs, this.#isHeard, sink, (reason) =>
          this.#giveUp(draft.id, track, reason),
        )
      : await CapturingWriter.open(canvas!, shot.sound, this.#lag.mean, sink);
    draft.films[track] = film;
    draft.writers.push(writer);
    return writer;
  }

  #start(recording: Recording) {
    this.#frames?.clock.hold();
    this.#sounds?.clock.hold();
    recording.clock.start(this.#ports.now());
    this.#recording = recording;
    // It may have fallen silent while its films were being opened.
    if (this.#isHeard) return;
    recording.painted.silence();
    recording.raw?.silence();
  }

  /** An encoder writes no more. Without the camera's own film the painted one goes on. */
  #giveUp(id: string, track: FilmTrack, reason: Problem) {
    const recording = this.#recording;
    if (recording?.id !== id || recording.isEnding) return;
    if (track === "painted") this.#events.ended(reason);
    else this.#events.notice(problem("raw_failed"));
  }

  /** What was being prepared is not wanted. */
  async #forget({ id, writers }: Draft) {
    await Promise.all(writers.map((writer) => writer.drop()));
    await this.#ports.films.forget(id).catch(() => undefined);
    this.#ports.locks.release(id);
  }

  /** What was recorded is left to be found. */
  async #leave({ id, painted, raw }: Recording) {
    await Promise.all([painted.drop(), raw?.drop()]);
    this.#ports.locks.release(id);
  }

  async #begin(id: string, painted: FilmWriter, raw: FilmWriter | null) {
    const types = { painted: painted.type, ...(raw && { raw: raw.type }) };
    try {
      await this.#ports.films.begin({ id, startedAt: Date.now(), types });
    } catch {
      this.#events.notice(problem("disk_full"));
    }
  }

  #take(captured: CapturedFrame) {
    const recording = this.#recording;
    const seconds = recording?.clock.seconds(captured.at) ?? null;
    if (recording?.raw && seconds !== null) recording.raw.frame(captured.frame, seconds);
    if (!this.#chosen || !this.#canvas) {
      captured.frame.close();
      return;
    }
    // Only the newest wish is remembered.
    this.#waiting?.frame.close();
    this.#waiting = captured;
    if (!this.#busy) void this.#paint();
  }

  async #paint() {
    this.#busy = true;
    try {
      for (let next = this.#next(); next; next = this.#next()) {
        this.#current = this.#paintOne(next);
        await this.#current;
      }
    } catch (error) {
      if (!this.#closed) this.#events.ended(asProblem(error));
    } finally {
      this.#busy = false;
    }
  }

  #next(): CapturedFrame | null {
    const next = this.#waiting;
    this.#waiting = null;
    return next;
  }

  async #paintOne({ frame, at }: CapturedFrame) {
    const size = filmSize(sizeOfFrame(frame), FILM_SHORT);
    const began = this.#ports.now();
    const { painting } = await this.#painter.paint(frame, this.#adaptation.short, this.#mirror);
    const canvas = this.#canvas;
    if (canvas) {
      // A film keeps the size it began with.
      if (!this.#recording && (canvas.width !== size.width || canvas.height !== size.height)) {
        canvas.width = size.width;
        canvas.height = size.height;
      }
      const ink = canvas.getContext("2d", { alpha: false })!;
      ink.imageSmoothingQuality = "high";
      drawCovering(ink, painting, size);
      const seconds = this.#recording?.clock.seconds(at) ?? null;
      if (seconds !== null) this.#recording!.painted.frame(canvas, seconds);
    }
    painting.close();
    const now = this.#ports.now();
    this.#lag.note(now - at);
    this.#adaptation.note(now - began);
    this.#count(now);
  }

  #count(now: number) {
    this.#seen.push(now);
    while (this.#seen[0]! < now - SECOND) this.#seen.shift();
    this.#events.painted({ framesPerSecond: this.#seen.length, short: this.#adaptation.short });
  }

  #hear(sound: AudioSample, at: number) {
    const recording = this.#recording;
    // A film that was begun without stays silent.
    if (!this.#isHeard && !recording) {
      this.#isHeard = true;
      this.#events.heard();
    }
    const seconds = recording?.clock.seconds(at) ?? null;
    if (recording && seconds !== null) {
      recording.painted.sound(sound, seconds);
      recording.raw?.sound(sound, seconds);
    }
    if (seconds === null) this.#heardAll();
    sound.close();
  }

  /** Sound comes in order: once some comes from after the end, all from before it is there. */
  async #lastSound() {
    if (!this.#sounds) return;
    const late = new Promise<void>((resolve) => setTimeout(resolve, SOUND_PATIENCE));
    const all = new Promise<void>((resolve) => (this.#heardAll = resolve));
    await Promise.race([all, late]);
  }

  #end(code: string) {
    this.#events.ended(problem(code));
  }
}

/** What was recorded, as files that say how long they are. */
async function takeOf({ id, painted, raw, films, most }: Recording, name: string): Promise<Take> {
  const own = raw && films.raw ? await bound(films.raw.blob(), raw.type, `${name}-camera`, most) : null;
  return {
    id,
    painted: await bound(films.painted!.blob(), painted.type, name, most),
    raw: own && (await isSeen(own)) ? own : null,
  };
}

/** Whether there is anything in a film: an encoder may have given up at its first picture. */
async function isSeen(film: File): Promise<boolean> {
  return (await lengthOf(film).catch(() => 0)) > 0;
}

/**
 * What the film of a shot is encoded with; null where the browser is to record the canvas. Safari before 26 has an
 * encoder for pictures and none for sound: a film encoded there would be silent, a recorded one is not.
 */
async function codecsOf({ sound }: Shot, size: Size): Promise<Codecs | null> {
  const codecs = await codecsFor(size);
  const isSilent = sound !== null && codecs?.audio === null;
  return isSilent && recorderType() ? null : codecs;
}

/**
 * Fill a canvas with a painting: a phone that is turned while it films loses the sides, as the camera's own film does,
 * and nobody is drawn long or wide.
 *
 * @param size the shape of what was painted: the painting has it in multiples of eight pixels only
 */
function drawCovering(ink: CanvasRenderingContext2D, painting: ImageBitmap, size: Size) {
  const { width, height } = ink.canvas;
  const share = middleOf(size, ink.canvas);
  const [wide, high] = [painting.width * share.width, painting.height * share.height];
  const [left, top] = [(painting.width - wide) / 2, (painting.height - high) / 2];
  ink.drawImage(painting, left, top, wide, high, 0, 0, width, height);
}

const problem = (code: string) => new Problem({ status: -2, code });

function sizeOf({ video }: Shot) {
  const { width = 1280, height = 720 } = video.getSettings();
  return { width, height };
}

const sizeOfFrame = (frame: VideoFrame | ImageBitmap) =>
  "displayWidth" in frame ? { width: frame.displayWidth, height: frame.displayHeight } : frame;
