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
  let stopped = false;
  const end = () => {
    if (stopped) return;
    stopped = true;
    onEnd();
  };
  track.addEventListener("ended", end);
  const isStopped = () => stopped;
  const reading =
    "MediaStreamTrackProcessor" in globalThis
      ? readTrack(track, ports.now, clock, onFrame, isStopped)
      : watchVideo(track, ports, onFrame, isStopped);
  reading.then(end, end);
  return {
    clock,
    stop() {
      stopped = true;
      track.removeEventListener("ended", end);
    },
  };
}

async function readTrack(
  track: MediaStreamTrack,
  now: () => number,
  clock: TrackClock,
  onFrame: (captured: CapturedFrame) => void,
  isStopped: () => boolean,
) {
  // One frame waits at most: an older one would only be seen later.
  const source = new MediaStreamTrackProcessor({ track: track as MediaStreamVideoTrack, maxBufferSize: 1 });
  const reader = source.readable.getReader();
  while (!isStopped()) {
    const { value: frame, done } = await reader.read();
    if (done) return;
    if (isStopped()) frame.close();
    else onFrame({ frame, at: clock.at(frame.timestamp, now()) });
  }
  await reader.cancel();
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
