import { AudioSample } from "mediabunny";

import { SampleCount, TrackClock } from "./clocks";
import tapUrl from "./tap.worklet?worker&url";

export interface SoundSource {
  readonly clock: TrackClock;
  stop(): void;
}

export interface SoundEvents {
  /** @param at the moment on the page's clock at which it began */
  sound(sound: AudioSample, at: number): void;
  /** None has come so far. It may come yet. */
  missing(): void;
  /** It cannot be heard, or no longer: nothing more comes of it. */
  failed(): void;
}

// Milliseconds. A microphone may have to wake up first, and an audio worklet its loudspeaker.
const FIRST_SOUND_PATIENCE = 4000;

/** What tap.worklet.ts passes on. */
export interface Piece {
  samples: Float32Array<ArrayBuffer>;
  /** Milliseconds on the clock of its thread, whose origin is its own. */
  at: number;
}

interface Listener {
  now: () => number;
  /** From now on sound may come. */
  begin(): void;
  take(sound: AudioSample): void;
  isStopped(): boolean;
  /** What is done as soon as it is over. */
  stops: (() => void)[];
}

/** Hand out the sound of a microphone, piece by piece. */
export function captureSound(track: MediaStreamTrack, now: () => number, events: SoundEvents): SoundSource {
  const clock = new TrackClock();
  const stops: (() => void)[] = [];
  let stopped = false;
  let patience: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    stopped = true;
    clearTimeout(patience);
    track.removeEventListener("ended", fail);
    for (const one of stops) one();
  };
  const fail = () => {
    if (stopped) return;
    stop();
    events.failed();
  };
  const take = (sound: AudioSample) => {
    clearTimeout(patience);
    // A piece arrives when it is over, not when it begins.
    const arrived = now() - sound.duration * 1000;
    events.sound(sound, clock.at(sound.microsecondTimestamp, arrived));
  };
  const begin = () => (patience = setTimeout(() => events.missing(), FIRST_SOUND_PATIENCE));
  track.addEventListener("ended", fail);
  const listen = "MediaStreamTrackProcessor" in globalThis ? readTrack : tapTrack;
  listen(track, { now, begin, take, isStopped: () => stopped, stops }).catch(fail);
  return { clock, stop };
}

async function readTrack(track: MediaStreamTrack, { begin, take, isStopped, stops }: Listener) {
  const reader = new MediaStreamTrackProcessor({
    track: track as MediaStreamAudioTrack,
  }).readable.getReader();
  stops.push(() => void reader.cancel().catch(() => undefined));
  begin();
  while (!isStopped()) {
    const { value: data, done } = await reader.read();
    if (done) return;
    if (isStopped()) data.close();
    else take(new AudioSample(data));
  }
}

/**
 * Browsers without track processors: a worklet passes on what it hears. Its clock is that of the sound's way out, so
 * that Firefox hears nothing on a device that has none, and iOS stops it where the page is hidden or in a call.
 */
async function tapTrack(track: MediaStreamTrack, { now, begin, take, isStopped, stops }: Listener) {
  const context = new AudioContext();
  stops.push(() => void context.close());
  await context.audioWorklet.addModule(tapUrl);
  if (isStopped()) return;
  // Some begin suspended. Where it cannot run no sound comes, which is what counts.
  const wake = () => void context.resume().catch(() => undefined);
  wake();
  context.onstatechange = () => isStopped() || context.state === "running" || wake();
  const tap = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0, channelCount: 1 });
  context.createMediaStreamSource(new MediaStream([track])).connect(tap);
  const { sampleRate } = context;
  const count = new SampleCount(sampleRate);
  tap.port.onmessage = ({ data: { samples: data, at } }: MessageEvent<Piece>) => {
    if (isStopped()) return;
    const timestamp = count.add(data.length, at, now());
    take(new AudioSample({ data, format: "f32-planar", numberOfChannels: 1, sampleRate, timestamp }));
  };
  begin();
}
