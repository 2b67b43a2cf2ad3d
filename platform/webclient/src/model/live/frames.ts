import { TrackClock } from "./clocks";

export interface CapturedFrame {
  frame: VideoFrame | ImageBitmap;
  /** Milliseconds on the page's clock. */
  at: number;
}

export interface FramePorts {
  now: () => number;
  /** A video element that plays the track, for browsers that give frames no other way. */
  openVideo: (track: MediaStreamTrack) => Promise<HTMLVideoElement>;
}

// Milliseconds. A camera may have to wake up first.
const FIRST_FRAME_PATIENCE = 4000;

export interface FrameSource {
  readonly clock: TrackClock;
  stop(): void;
}

/**
 * Hand out the frames of a camera as they come. Whoever takes one closes it.
 *
 * @param onEnd the track is over: the camera was unplugged or taken away
 */
export function captureFrames(
  track: MediaStreamTrack,
  ports: FramePorts,
  onFrame: (captured: CapturedFrame) => void,
  onEnd: () => void,
): FrameSource {
  const clock = new TrackClock();
  const stops: (() => void)[] = [];
  let stopped = false;
  const end = () => {
    if (stopped) return;
    stopped = true;
    onEnd();
  };
  track.addEventListener("ended", end);
  const isStopped = () => stopped;
  const watch = () => watchVideo(track, ports, onFrame, isStopped);
  const reading =
    "MediaStreamTrackProcessor" in globalThis
      ? readTrack(track, ports.now, clock, onFrame, isStopped, stops).then((over) =>
          over ? undefined : watch(),
        )
      : watch();
  reading.then(end, end);
  return {
    clock,
    stop() {
      stopped = true;
      track.removeEventListener("ended", end);
      for (const stop of stops) stop();
    },
  };
}

/**
 * Chromium hands out no frames of a camera while a few are held, be it by a document that was left and whose memory
 * is not cleared yet. What a video element shows is not counted.
 *
 * @returns whether this is over: false where no frame came and the track must be watched in another way
 */
async function readTrack(
  track: MediaStreamTrack,
  now: () => number,
  clock: TrackClock,
  onFrame: (captured: CapturedFrame) => void,
  isStopped: () => boolean,
  stops: (() => void)[],
): Promise<boolean> {
  // One frame waits at most: an older one would only be seen later.
  const source = new MediaStreamTrackProcessor({ track: track as MediaStreamVideoTrack, maxBufferSize: 1 });
  const reader = source.readable.getReader();
  // At once, and with it the frame that waits.
  const cancel = () => void reader.cancel().catch(() => undefined);
  stops.push(cancel);
  const patience = setTimeout(cancel, FIRST_FRAME_PATIENCE);
  let seen = false;
  while (!isStopped()) {
    const { value: frame, done } = await reader.read();
    if (done) return seen || isStopped();
    seen = true;
    clearTimeout(patience);
    if (isStopped()) frame.close();
    else onFrame({ frame, at: clock.at(frame.timestamp, now()) });
  }
  return true;
}

async function watchVideo(
  track: MediaStreamTrack,
  ports: FramePorts,
  onFrame: (captured: CapturedFrame) => void,
  isStopped: () => boolean,
) {
  const video = await ports.openVideo(track);
  while (!isStopped()) {
    const at = await nextFrame(video);
    if (isStopped()) break;
    onFrame({ frame: await createImageBitmap(video), at });
  }
  video.srcObject = null;
}

const nextFrame = (video: HTMLVideoElement) =>
  new Promise<number>((resolve) => {
    // The moment of capture where the browser knows it, else that of being shown.
    video.requestVideoFrameCallback((now, { captureTime }) => resolve(captureTime ?? now));
  });
