import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Lag } from "../src/model/live/clocks";
import { CapturingWriter } from "../src/model/live/encoding";

const microphone = { name: "microphone" } as unknown as MediaStreamTrack;
const late = { name: "late" } as unknown as MediaStreamTrack;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** A browser that records canvases, and whose audio contexts run or never do. */
function recorderHere(runs: boolean) {
  const close = vi.fn(() => Promise.resolve());
  const delays: number[] = [];
  const joined: unknown[] = [];
  class Context {
    state = "suspended";
    close = close;
    resume = () => (runs ? Promise.resolve(void (this.state = "running")) : new Promise(() => undefined));
    createMediaStreamSource = () => ({ connect: (node: unknown) => joined.push(node) && node });
    createMediaStreamDestination = () => ({ stream: { getAudioTracks: () => [late] } });
  }
  class Delay {
    constructor(_context: Context, { delayTime }: { delayTime: number }) {
      delays.push(delayTime);
    }
    connect = (node: unknown) => joined.push(node);
  }
  class Recorder extends EventTarget {
    static isTypeSupported = () => true;
    state = "recording";
    start() {}
    stop() {
      this.dispatchEvent(new Event("stop"));
    }
  }
  vi.stubGlobal("AudioContext", Context);
  vi.stubGlobal("DelayNode", Delay);
  vi.stubGlobal("MediaStream", EventTarget);
  vi.stubGlobal("MediaRecorder", Recorder);
  const addTrack = vi.fn();
  const ink = { drawImage: () => undefined };
  const canvas = {
    captureStream: () => ({ addTrack }),
    getContext: () => ink,
  } as unknown as HTMLCanvasElement;
  const open = async (lag: number) => {
    const opening = CapturingWriter.open(canvas, microphone, lag, () => Promise.resolve());
    await vi.advanceTimersByTimeAsync(1000);
    return await opening;
  };
  return { open, addTrack, delays, joined, close };
}

test("a canvas that shows late paintings is recorded with a sound as late, less what it is late by itself, until the film is over", async () => {
  const { open, addTrack, delays, joined, close } = recorderHere(true);

  const writer = await open(120);

  expect([addTrack.mock.calls, delays, joined.length]).toEqual([[[late]], [0.08], 2]);
  expect(close).not.toHaveBeenCalled();
  await writer.drop();
  expect(close).toHaveBeenCalledTimes(1);
});

test("where no audio context runs the sound is recorded as it is", async () => {
  const { open, addTrack, close } = recorderHere(false);

  await open(120);

  expect(addTrack.mock.calls).toEqual([[microphone]]);
  expect(close).toHaveBeenCalledTimes(1);
});

test("a lag that nobody hears needs no audio context", async () => {
  const { open, addTrack, close } = recorderHere(true);

  await open(45);

  expect([addTrack.mock.calls, close.mock.calls.length]).toEqual([[[microphone]], 0]);
});

test("how late paintings are is the mean of the last ones, not of a first one that was compiled before", () => {
  const lag = new Lag();
  expect(lag.mean).toBe(0);

  lag.note(4000);
  for (let painting = 0; painting < 10; painting++) lag.note(painting % 2 ? 110 : 90);

  expect(lag.mean).toBe(100);
});
