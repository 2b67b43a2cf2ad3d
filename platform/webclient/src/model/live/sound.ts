import { AudioSample } from "mediabunny";

import { TrackClock } from "./clocks";
import tapUrl from "./tap.worklet?worker&url";

export interface SoundSource {
  readonly clock: TrackClock;
  stop(): void;
}

type OnSound = (sound: AudioSample, at: number) => void;

/**
 * Hand out the sound of a microphone, piece by piece, each with the moment on the page's clock at which it began.
 *
 * @param onFailure it cannot be heard, or no longer
 */
export function captureSound(
  track: MediaStreamTrack,
  now: () => number,
  onSound: OnSound,
  onFailure: () => void,
): SoundSource {
  const clock = new TrackClock();
  const stops: (() => void)[] = [];
  let stopped = false;
  const source: SoundSource = {
    clock,
    stop() {
      stopped = true;
      for (const stop of stops) stop();
    },
  };
  const take = (sound: AudioSample) => {
    // A piece arrives when it is over, not when it begins.
    const arrived = now() - sound.duration * 1000;
    onSound(sound, clock.at(sound.microsecondTimestamp, arrived));
  };
  const isStopped = () => stopped;
  const listening =
    "MediaStreamTrackProcessor" in globalThis
      ? readTrack(track, take, isStopped)
      : tapTrack(track, take, isStopped, stops);
  listening.catch(() => stopped || onFailure());
  return source;
}

async function readTrack(
  track: MediaStreamTrack,
  take: (sound: AudioSample) => void,
  isStopped: () => boolean,
) {
  const reader = new MediaStreamTrackProcessor({
    track: track as MediaStreamAudioTrack,
  }).readable.getReader();
  while (!isStopped()) {
    const { value: data, done } = await reader.read();
    if (done) return;
    take(new AudioSample(data));
  }
  await reader.cancel();
}

/** Browsers without track processors: a worklet passes on what it hears. */
async function tapTrack(
  track: MediaStreamTrack,
  take: (sound: AudioSample) => void,
  isStopped: () => boolean,
  stops: (() => void)[],
) {
  const context = new AudioContext();
  stops.push(() => void context.close());
  await context.audioWorklet.addModule(tapUrl);
  if (isStopped()) return;
  const tap = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0, channelCount: 1 });
  context.createMediaStreamSource(new MediaStream([track])).connect(tap);
  let frames = 0;
  tap.port.onmessage = ({ data }: MessageEvent<Float32Array<ArrayBuffer>>) => {
    if (isStopped()) return;
    const { sampleRate } = context;
    const timestamp = frames / sampleRate;
    frames += data.length;
    take(new AudioSample({ data, format: "f32-planar", numberOfChannels: 1, sampleRate, timestamp }));
  };
}
