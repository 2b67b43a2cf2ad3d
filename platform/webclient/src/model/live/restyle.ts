import {
  ALL_FORMATS,
  BlobSource,
  BufferTarget,
  Conversion,
  ConversionCanceledError,
  Input,
  type InputVideoTrack,
  Mp4OutputFormat,
  Output,
  QUALITY_HIGH,
  type VideoSample,
  VideoSampleSink,
  WebMOutputFormat,
} from "mediabunny";

import { filmSize } from "../painter/pixels";
import type { Painter } from "../painter/protocol";
import { Problem } from "../problem";
import { codecsFor } from "./encoding";
import { type Scene, SceneFinder, THUMB } from "./scenes";

export interface Restyled {
  film: File;
  /** The browser could not read the film's sound. */
  soundLost: boolean;
}

export interface RestyleOptions {
  /** The size at which the network works, on the short side. */
  short: number;
  onProgress: (share: number) => void;
  signal: AbortSignal;
}

const FILM_SHORT = 720;
// The share of the whole time that looking for cuts takes, where a frame is painted in some 70 ms.
const LOOKING = 0.05;

type FilmPainter = Pick<Painter, "begin" | "sample" | "lock" | "paint">;

const refused = (code: string, detail: string = "") => new Problem({ status: -2, code, detail });

/**
 * Paint a film that lies on this device; not a byte of it leaves.
 *
 * It is looked through once for its cuts. Each scene is then measured over frames of all of it before its first is
 * painted, so that within a scene no frame is painted unlike the others.
 *
 * @param painter with its styles chosen
 * @throws Problem not_a_film, cannot_decode, no_encoder, encoder_failed; `cancelled` once the signal says so
 */
export async function restyleFile(
  file: File,
  painter: FilmPainter,
  { short, onProgress, signal }: RestyleOptions,
): Promise<Restyled> {
  const input = new Input({ source: new BlobSource(file), formats: ALL_FORMATS });
  try {
    const track = await videoOf(input);
    const scenes = await lookThrough(track, (share) => onProgress(LOOKING * share), signal);
    return await convert(file, input, track, scenes, painter, {
      short,
      onProgress: (share) => onProgress(LOOKING + (1 - LOOKING) * share),
      signal,
    });
  } catch (error) {
    if (signal.aborted || error instanceof ConversionCanceledError) throw refused("cancelled");
    throw error instanceof Problem ? error : refused("encoder_failed", String(error));
  } finally {
    input.dispose();
  }
}

/** How long a film is, in seconds. */
export async function lengthOf(file: File): Promise<number> {
  const input = new Input({ source: new BlobSource(file), formats: ALL_FORMATS });
  try {
    return await input.computeDuration();
  } catch {
    throw refused("not_a_film");
  } finally {
    input.dispose();
  }
}

async function videoOf(input: Input): Promise<InputVideoTrack> {
  if (!(await input.canRead().catch(() => false))) throw refused("not_a_film");
  const track = await input.getPrimaryVideoTrack();
  if (!track) throw refused("not_a_film");
  if (!(await track.canDecode())) throw refused("cannot_decode", (await track.getCodec()) ?? "");
  return track;
}

/** Find the scenes: of each frame only a thumbnail is kept, until the next has been seen. */
async function lookThrough(
  track: InputVideoTrack,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<Scene[]> {
  const begin = await track.getFirstTimestamp();
  const end = await track.computeDuration();
  const ink = new OffscreenCanvas(THUMB.width, THUMB.height).getContext("2d", { willReadFrequently: true })!;
  ink.imageSmoothingQuality = "medium";
  const finder = new SceneFinder();
  // A frame from before 0 is not to be seen, and will not be painted.
  for await (const sample of new VideoSampleSink(track).samples(Math.max(0, begin))) {
    try {
      signal.throwIfAborted();
      sample.draw(ink, 0, 0, THUMB.width, THUMB.height);
      finder.see(ink.getImageData(0, 0, THUMB.width, THUMB.height).data, sample.timestamp);
      onProgress(Math.min(1, (sample.timestamp - begin) / (end - begin || 1)));
    } finally {
      sample.close();
    }
  }
  return finder.scenes();
}

/** Hold the painter to what is measured of one scene. */
async function measure(
  track: InputVideoTrack,
  { moments }: Scene,
  painter: Pick<Painter, "begin" | "sample" | "lock">,
  short: number,
  signal: AbortSignal,
) {
  await painter.begin();
  for await (const sample of new VideoSampleSink(track).samplesAtTimestamps(moments)) {
    if (!sample) continue;
    try {
      signal.throwIfAborted();
      await painter.sample(await upright(sample), short);
    } finally {
      sample.close();
    }
  }
  await painter.lock();
}

/** A frame as it is to be seen: turned and with square pixels. */
async function upright(sample: VideoSample): Promise<ImageBitmap> {
  const canvas = new OffscreenCanvas(sample.displayWidth, sample.displayHeight);
  sample.draw(canvas.getContext("2d")!, 0, 0);
  return await createImageBitmap(canvas);
}

async function convert(
  file: File,
  input: Input,
  track: InputVideoTrack,
  scenes: readonly Scene[],
  painter: FilmPainter,
  { short, onProgress, signal }: RestyleOptions,
): Promise<Restyled> {
  const size = filmSize(
    { width: await track.getDisplayWidth(), height: await track.getDisplayHeight() },
    FILM_SHORT,
  );
  const codecs = await codecsFor(size);
  if (!codecs) throw refused("no_encoder");
  const target = new BufferTarget();
  const format =
    codecs.container === "mp4" ? new Mp4OutputFormat({ fastStart: "in-memory" }) : new WebMOutputFormat();
  const canvas = new OffscreenCanvas(size.width, size.height);
  const ink = canvas.getContext("2d", { alpha: false })!;
  ink.imageSmoothingQuality = "high";
  const begins = new Map(scenes.map((scene) => [scene.first, scene]));
  let frame = 0;
  const conversion = await Conversion.init({
    input,
    output: new Output({ format, target }),
    showWarnings: false,
    // One picture and one sound: what else a file may hold has no place in a clip.
    video: (_track, index) =>
      index > 1
        ? { discard: true }
        : {
            codec: codecs.video,
            quality: QUALITY_HIGH,
            forceTranscode: true,
            allowTransformationMetadata: false,
            processedWidth: size.width,
            processedHeight: size.height,
            process: async (sample) => {
              // Frames come one after another, in the order in which they were looked at.
              const begun = begins.get(frame++);
              if (begun) await measure(track, begun, painter, short, signal);
              const { painting } = await painter.paint(await upright(sample), short, false);
              ink.drawImage(painting, 0, 0, size.width, size.height);
              painting.close();
              return canvas;
            },
          },
    audio: (_track, index) => (index > 1 ? { discard: true } : {}),
  });
  const lost = conversion.discardedTracks.filter(({ reason }) => reason !== "discarded_by_user");
  if (!conversion.isValid || lost.some((discarded) => discarded.track.type === "video")) {
    throw refused("cannot_decode", lost.map(({ reason }) => reason).join(", "));
  }
  conversion.onProgress = onProgress;
  const cancel = () => void conversion.cancel();
  signal.addEventListener("abort", cancel);
  try {
    signal.throwIfAborted();
    await conversion.execute();
  } finally {
    signal.removeEventListener("abort", cancel);
  }
  const name = `${file.name.replace(/\.[^.]*$/, "")}-painted.${codecs.container}`;
  const film = new File([target.buffer!], name, {
    type: `video/${codecs.container}`,
    lastModified: Date.now(),
  });
  return { film, soundLost: lost.some((discarded) => discarded.track.type === "audio") };
}
