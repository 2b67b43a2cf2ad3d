import {
  ALL_FORMATS,
  AppendOnlyStreamTarget,
  type AudioCodec,
  type AudioSample,
  AudioSampleSource,
  BlobSource,
  BufferTarget,
  Conversion,
  EncodedAudioPacketSource,
  type EncodedPacket,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  getFirstEncodableAudioCodec,
  getFirstEncodableVideoCodec,
  Input,
  type InputAudioTrack,
  type InputVideoTrack,
  Mp4OutputFormat,
  Output,
  QUALITY_HIGH,
  type VideoCodec,
  VideoSample,
  VideoSampleSource,
  WebMOutputFormat,
} from "mediabunny";

import type { Size } from "../painter/pixels";
import { Problem } from "../problem";
import { delayed, type DelayedTrack } from "./delay";
import { LAST_FRAME, PictureTrack } from "./pictures";

export type Container = "mp4" | "webm";

export interface Codecs {
  container: Container;
  video: VideoCodec;
  /** Null where the browser encodes no sound that the container may hold. */
  audio: AudioCodec | null;
}

/** Writes a film while it happens. Moments are seconds of the film. */
export interface FilmWriter {
  readonly type: string;
  frame(picture: CanvasImageSource, seconds: number): void;
  sound(sample: AudioSample, seconds: number): void;
  /** No more sound comes. */
  silence(): void;
  pause(): void;
  resume(): void;
  /**
   * @param seconds where the film ends: its last picture is shown until then
   * @throws Problem `encoder_failed`
   */
  finish(seconds: number): Promise<void>;
  /** Write no more. What was written stays where it is. */
  drop(): Promise<void>;
}

export type Sink = (bytes: Blob) => Promise<void>;

const encoderFailed = (error: unknown) =>
  new Problem({ status: -2, code: "encoder_failed", detail: String(error) });

/** H.264 in MP4 where the browser encodes it, else VP9 in WebM; null without WebCodecs. */
export async function codecsFor(size: Size): Promise<Codecs | null> {
  if (!("VideoEncoder" in globalThis)) return null;
  const video = await getFirstEncodableVideoCodec(["avc", "vp9", "vp8"], { ...size, quality: QUALITY_HIGH });
  if (!video) return null;
  const container = video === "avc" ? "mp4" : "webm";
  const sounds: AudioCodec[] = container === "mp4" ? ["aac", "opus"] : ["opus"];
  const audio =
    "AudioEncoder" in globalThis
      ? await getFirstEncodableAudioCodec(sounds, { quality: QUALITY_HIGH })
      : null;
  return { container, video, audio };
}

/** Encodes with WebCodecs. What it writes is a whole film at any moment, up to the last second. */
export class EncodingWriter implements FilmWriter {
  readonly type: string;
  readonly #output: Output;
  readonly #pictures: PictureTrack;
  readonly #onFailure: (problem: Problem) => void;
  #audio: AudioSampleSource | null;
  #lastSound = -1;
  #failure: unknown = null;

  private constructor(
    output: Output,
    type: string,
    video: VideoSampleSource,
    audio: AudioSampleSource | null,
    onFailure: (problem: Problem) => void,
  ) {
    this.#output = output;
    this.type = type;
    this.#onFailure = onFailure;
    this.#pictures = new PictureTrack((sample) => this.#add(video.add(sample)));
    this.#audio = audio;
  }

  /** @param onFailure called once, as soon as an encoder gives up: nothing more is written */
  static async open(
    codecs: Codecs,
    withSound: boolean,
    sink: Sink,
    onFailure: (problem: Problem) => void = () => undefined,
  ): Promise<EncodingWriter> {
    const format =
      codecs.container === "mp4"
        ? new Mp4OutputFormat({ fastStart: "fragmented" })
        : new WebMOutputFormat({ appendOnly: true });
    const stream = new WritableStream<Uint8Array>({
      write: (bytes) => sink(new Blob([bytes as Uint8Array<ArrayBuffer>])),
    });
    const output = new Output({ format, target: new AppendOnlyStreamTarget(stream) });
    const video = new VideoSampleSource({
      codec: codecs.video,
      quality: QUALITY_HIGH,
      keyFrameInterval: 1,
      sizeChangeBehavior: "cover",
    });
    output.addVideoTrack(video);
    const audio =
      withSound && codecs.audio
        ? new AudioSampleSource({ codec: codecs.audio, quality: QUALITY_HIGH })
        : null;
    if (audio) output.addAudioTrack(audio);
    await output.start();
    return new EncodingWriter(output, `video/${codecs.container}`, video, audio, onFailure);
  }

  frame(picture: CanvasImageSource, seconds: number) {
    if (this.#failure) return;
    // A sample closes its frame, and this one goes on to the painter.
    const own = "VideoFrame" in globalThis && picture instanceof VideoFrame ? picture.clone() : picture;
    this.#pictures.take(new VideoSample(own, { timestamp: seconds }));
  }

  sound(sample: AudioSample, seconds: number) {
    if (this.#failure || !this.#audio || seconds <= this.#lastSound) return;
    this.#lastSound = seconds;
    const own = sample.clone();
    own.setTimestamp(seconds);
    void this.#add(this.#audio.add(own)).finally(() => own.close());
  }

  silence() {
    // Nothing is written while a track waits for its share.
    this.#audio?.close();
    this.#audio = null;
  }

  // The moments already leave out what is between.
  pause() {}
  resume() {}

  async finish(seconds: number) {
    try {
      await this.#pictures.end(seconds);
      if (this.#failure) throw this.#failure;
      await this.#output.finalize();
    } catch (error) {
      await this.drop();
      throw encoderFailed(error);
    }
  }

  async drop() {
    this.#failure ??= new Error("dropped");
    this.#pictures.drop();
    await this.#output.cancel().catch(() => undefined);
  }

  async #add(adding: Promise<void>) {
    try {
      await adding;
    } catch (error) {
      if (this.#failure) return;
      this.#failure = error;
      void this.drop();
      this.#onFailure(encoderFailed(error));
    }
  }
}

// Milliseconds between two pictures of a recorded canvas.
const REDRAWN = 1000 / 30;

const RECORDER_TYPES = [
  "video/mp4;codecs=avc1.42E01E,mp4a.40.2",
  "video/mp4;codecs=avc1.42E01E,opus",
  "video/webm;codecs=vp9,opus",
  "video/webm",
];

/** What the browser itself records a canvas as; undefined where it records nothing. */
export function recorderType(): string | undefined {
  if (!("MediaRecorder" in globalThis)) return undefined;
  return RECORDER_TYPES.find((one) => MediaRecorder.isTypeSupported(one));
}

/** The browser itself records what the canvas shows. */
export class CapturingWriter implements FilmWriter {
  readonly type: string;
  readonly #redrawing: ReturnType<typeof setInterval>;
  readonly #recorder: MediaRecorder;
  readonly #sound: DelayedTrack | null;
  readonly #written: Promise<unknown>[] = [];

  private constructor(canvas: HTMLCanvasElement, type: string, sound: DelayedTrack | null, sink: Sink) {
    const stream = canvas.captureStream();
    if (sound) stream.addTrack(sound.track);
    this.#sound = sound;
    this.#recorder = new MediaRecorder(stream, { mimeType: type });
    this.#recorder.ondataavailable = ({ data }) => this.#written.push(sink(data));
    this.#recorder.start(1000);
    this.#redrawing = setInterval(redraw, REDRAWN, canvas);
    this.type = type.split(";")[0]!;
  }

  /**
   * @param lag milliseconds by which the canvas is behind the sound
   * @throws Problem `no_encoder` where the browser records nothing either
   */
  static async open(
    canvas: HTMLCanvasElement,
    sound: MediaStreamTrack | null,
    lag: number,
    sink: Sink,
  ): Promise<CapturingWriter> {
    const type = recorderType();
    if (!type) throw new Problem({ status: -2, code: "no_encoder" });
    return new CapturingWriter(canvas, type, sound && (await delayed(sound, lag)), sink);
  }

  frame() {}
  sound() {}
  silence() {}

  // A recorder ends by itself where its stream does, and can then be told nothing any more.
  pause() {
    if (this.#recorder.state === "recording") this.#recorder.pause();
  }

  resume() {
    if (this.#recorder.state === "paused") this.#recorder.resume();
  }

  finish(): Promise<void> {
    return this.drop();
  }

  async drop() {
    clearInterval(this.#redrawing);
    if (this.#recorder.state !== "inactive") {
      const stopped = new Promise((resolve) => this.#recorder.addEventListener("stop", resolve));
      this.#recorder.stop();
      await stopped;
    }
    this.#sound?.stop();
    await Promise.all(this.#written);
  }
}

/** The stream of a canvas has no picture where nothing was drawn: with a painter that lags it would end early. */
function redraw(canvas: HTMLCanvasElement) {
  canvas.getContext("2d")!.drawImage(canvas, 0, 0);
}

/**
 * Write a film that grew piece by piece once more as one that says how long it is and can be sought in. Nothing is
 * encoded anew. A film that was cut off mid-piece is whole up to there, and its last picture stands until its sound is
 * over.
 *
 * @param most seconds after which it ends: a recorder hears late that it is to stop
 */
export async function bound(film: Blob, type: string, name: string, most = Infinity): Promise<File> {
  const container: Container = type === "video/mp4" ? "mp4" : "webm";
  const file = (parts: BlobPart[]) =>
    new File(parts, `${name}.${container}`, { type: `video/${container}`, lastModified: Date.now() });
  const input = new Input({ source: new BlobSource(film), formats: ALL_FORMATS });
  try {
    const target = new BufferTarget();
    const format =
      container === "mp4" ? new Mp4OutputFormat({ fastStart: "in-memory" }) : new WebMOutputFormat();
    const output = new Output({ format, target });
    const held = container === "webm" ? await lastPictureHeld(input, most) : null;
    if (held) {
      await copy(held, output, most);
      return target.buffer ? file([target.buffer]) : file([film]);
    }
    const end = (await input.computeDuration()) > most && {
      trim: { end: most },
      copy: { boundaryPolicy: "shrink" as const },
    };
    const conversion = await Conversion.init({ input, output, showWarnings: false, ...end });
    if (!conversion.isValid || conversion.discardedTracks.length > 0) return file([film]);
    await conversion.execute();
    return target.buffer ? file([target.buffer]) : file([film]);
  } catch {
    return file([film]);
  } finally {
    input.dispose();
  }
}

interface Held {
  video: InputVideoTrack;
  audio: InputAudioTrack;
  /** The film's last picture once more, where its sound ends. */
  last: EncodedPacket;
}

/**
 * What a WebM film lacks whose sound goes on after its last picture; null for one that lacks nothing. In MP4 a picture
 * lasts until the next one; WebM only says when it begins, so that the last one would be over at once.
 */
async function lastPictureHeld(input: Input, most: number): Promise<Held | null> {
  const [video, audio] = await Promise.all([input.getPrimaryVideoTrack(), input.getPrimaryAudioTrack()]);
  const last = video && (await new EncodedPacketSink(video).getPacket(Infinity));
  if (!video || !audio || !last) return null;
  const timestamp = Math.min(await audio.computeDuration(), most) - LAST_FRAME;
  // Only a key frame is the same picture wherever it stands. One that came a second after the last is always one.
  if (last.type !== "key" || timestamp <= last.timestamp + LAST_FRAME) return null;
  return { video, audio, last: last.clone({ timestamp, duration: LAST_FRAME }) };
}

async function copy({ video, audio, last }: Held, output: Output, most: number) {
  const pictures = new EncodedVideoPacketSource((await video.getCodec())!);
  const sounds = new EncodedAudioPacketSource((await audio.getCodec())!);
  output.addVideoTrack(pictures);
  output.addAudioTrack(sounds);
  await output.start();
  const copyPictures = async () => {
    const decoderConfig = (await video.getDecoderConfig())!;
    for await (const packet of new EncodedPacketSink(video).packets())
      await pictures.add(packet, { decoderConfig });
    await pictures.add(last);
    pictures.close();
  };
  const copySounds = async () => {
    const decoderConfig = (await audio.getDecoderConfig())!;
    for await (const packet of new EncodedPacketSink(audio).packets()) {
      if (packet.timestamp + packet.duration > most) break;
      await sounds.add(packet, { decoderConfig });
    }
    sounds.close();
  };
  await Promise.all([copyPictures(), copySounds()]);
  await output.finalize();
}
