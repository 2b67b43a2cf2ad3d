// Milliseconds that an audio context may take to run: where a device has no way out for sound it never does.
const PATIENCE = 500;
// Milliseconds. Nobody hears less.
const LEAST = 10;
// Milliseconds by which recorded sound is late by itself: pieces are over when they arrive, and a context has buffers.
// In Chromium it was 70 with a delay of the whole lag; others may be quicker.
const OWN = 40;

export interface DelayedTrack {
  track: MediaStreamTrack;
  stop(): void;
}

/** A sound for a recorder whose picture is late by this; as it is where no audio context runs. */
export async function delayed(track: MediaStreamTrack, lag: number): Promise<DelayedTrack> {
  const asItIs = { track, stop() {} };
  const milliseconds = lag - OWN;
  if (milliseconds < LEAST || !("AudioContext" in globalThis)) return asItIs;
  const context = new AudioContext();
  const stop = () => void context.close();
  if (!(await runs(context))) {
    stop();
    return asItIs;
  }
  // As iOS does in a call.
  context.onstatechange = () => context.state === "closed" || void runs(context);
  const delayTime = milliseconds / 1000;
  const delay = new DelayNode(context, { delayTime, maxDelayTime: delayTime });
  const out = context.createMediaStreamDestination();
  context
    .createMediaStreamSource(new MediaStream([track]))
    .connect(delay)
    .connect(out);
  return { track: out.stream.getAudioTracks()[0]!, stop };
}

async function runs(context: AudioContext): Promise<boolean> {
  const late = new Promise<void>((resolve) => setTimeout(resolve, PATIENCE));
  await Promise.race([context.resume().catch(() => undefined), late]);
  return context.state === "running";
}
