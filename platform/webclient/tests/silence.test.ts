import { registerEncoder } from "mediabunny";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { EncodingWriter } from "../src/model/live/encoding";
import { captureSound, type Piece } from "../src/model/live/sound";
import { Studio, type StudioPorts } from "../src/model/live/studio";
import { deferred, settle, studioEvents } from "./fakes";
import { Encoder, Picture } from "./films";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** A browser whose audio worklet hears nothing until somebody speaks. */
function workletHere() {
  const port = { onmessage: null as ((event: { data: Piece }) => void) | null };
  const context = {
    state: "running",
    onstatechange: () => {},
    sampleRate: 48_000,
    audioWorklet: { addModule: () => Promise.resolve() },
    createMediaStreamSource: () => ({ connect: () => undefined }),
    // Without a way out for its sound, Firefox answers never.
    resume: vi.fn(() => new Promise<void>(() => undefined)),
    close: vi.fn(() => Promise.resolve()),
  };
  const given = (what: object) =>
    function () {
      return what;
    };
  vi.stubGlobal("AudioContext", given(context));
  vi.stubGlobal("AudioWorkletNode", given({ port }));
  vi.stubGlobal("MediaStream", given({}));
  const speak = (at = 0) => port.onmessage!({ data: { samples: new Float32Array(1024), at } });
  return { context, speak };
}

describe("a microphone", () => {
  beforeEach(() => void vi.useFakeTimers());

  function listen() {
    const track = new EventTarget();
    const onSound = vi.fn();
    const onMissing = vi.fn();
    const onFailure = vi.fn();
    const events = { sound: onSound, missing: onMissing, failed: onFailure };
    const source = captureSound(track as MediaStreamTrack, () => performance.now(), events);
    return { track, source, onSound, onMissing, onFailure };
  }

  test("that is not heard within four seconds is said, and listened to all the same", async () => {
    const { context, speak } = workletHere();
    const { onSound, onMissing, onFailure } = listen();

    await vi.advanceTimersByTimeAsync(3900);
    expect([context.resume.mock.calls.length, onMissing.mock.calls.length]).toEqual([1, 0]);
    await vi.advanceTimersByTimeAsync(200);
    expect(onMissing).toHaveBeenCalledTimes(1);
    speak();

    expect([onSound.mock.calls.length, onFailure.mock.calls.length]).toEqual([1, 0]);
  });

  test("that was heard may be silent as long as it likes", async () => {
    const { speak } = workletHere();
    const { onSound, onMissing } = listen();
    await vi.advanceTimersByTimeAsync(3900);

    speak();
    await vi.advanceTimersByTimeAsync(60_000);

    expect([onSound.mock.calls.length, onMissing.mock.calls.length]).toEqual([1, 0]);
  });

  test("that hands out nothing is said, and its reader is let go in the end", async () => {
    const cancel = vi.fn(() => Promise.resolve());
    const reader = { read: () => new Promise(() => undefined), cancel };
    vi.stubGlobal(
      "MediaStreamTrackProcessor",
      class {
        readable = { getReader: () => reader };
      },
    );
    const { source, onMissing } = listen();

    await vi.advanceTimersByTimeAsync(4100);
    source.stop();

    expect([onMissing.mock.calls.length, cancel.mock.calls.length]).toEqual([1, 1]);
  });

  test("that is unplugged is said, once, and no longer listened to", async () => {
    const { context, speak } = workletHere();
    const { track, onFailure } = listen();
    await vi.advanceTimersByTimeAsync(0);
    speak();

    track.dispatchEvent(new Event("ended"));
    track.dispatchEvent(new Event("ended"));

    expect([onFailure.mock.calls.length, context.close.mock.calls.length]).toEqual([1, 1]);
  });

  const PIECE = (1024 / 48_000) * 1000;

  /** Have two seconds of sound, and after this many milliseconds another piece; @returns its distance to the last */
  async function heardAfter(still: { heard: number; received: number }) {
    const { speak } = workletHere();
    const { source, onSound } = listen();
    await vi.advanceTimersByTimeAsync(0);
    let at = 1e12;
    for (let elapsed = 0; elapsed < 2000; elapsed += PIECE) {
      speak((at += PIECE));
      vi.advanceTimersByTime(PIECE);
    }
    source.clock.hold();
    vi.advanceTimersByTime(still.received);
    speak(at + PIECE + still.heard);
    const [last, next] = onSound.mock.calls.slice(-2).map((call) => call[1] as number);
    return next! - last!;
  }

  test("that stood still with its context is heard where it goes on", async () => {
    const apart = await heardAfter({ heard: 3000, received: 3000 });

    expect(Math.abs(apart - PIECE - 3000)).toBeLessThan(30);
  });

  test.each([
    ["whose page was busy", { heard: 0, received: 900 }],
    ["whose clock was set", { heard: 3_600_000, received: 0 }],
    ["that lagged", { heard: 200, received: 200 }],
  ])("%s is heard without a gap", async (_what, still) => {
    expect(await heardAfter(still)).toBeCloseTo(PIECE, 0);
  });

  test("is woken where its context is stopped, until nobody listens any more", async () => {
    const { context } = workletHere();
    const { source } = listen();
    await vi.advanceTimersByTimeAsync(0);
    const change = (state: string) => {
      context.state = state;
      context.onstatechange();
      return context.resume.mock.calls.length;
    };

    expect(["interrupted", "suspended", "running"].map(change)).toEqual([2, 3, 3]);
    source.stop();

    expect(change("closed")).toBe(3);
  });

  test("that nobody listens to any more is not missed", async () => {
    workletHere();
    const { track, source, onMissing, onFailure } = listen();
    await vi.advanceTimersByTimeAsync(0);

    source.stop();
    track.dispatchEvent(new Event("ended"));
    await vi.advanceTimersByTimeAsync(10_000);

    expect([onMissing.mock.calls.length, onFailure.mock.calls.length]).toEqual([0, 0]);
  });
});

describe("a film whose microphone is not heard", () => {
  registerEncoder(Encoder);

  test("is written while it is filmed from the moment that this is known", async () => {
    vi.stubGlobal("VideoFrame", Picture);
    const pieces: Blob[] = [];
    const sink = (bytes: Blob) => Promise.resolve(void pieces.push(bytes));
    const codecs = { container: "webm", video: "vp8", audio: "opus" } as const;
    const writer = await EncodingWriter.open(codecs, true, sink);
    const film = async (...moments: number[]) => {
      for (const moment of moments) {
        writer.frame(new Picture() as unknown as VideoFrame, moment);
        await settle();
      }
    };
    const written = () => new Blob(pieces).size;

    await film(0, 1, 2, 3);
    const before = written();
    writer.silence();
    await film(4, 5, 6, 7);
    const after = written();
    await writer.finish(8);

    expect(after).toBeGreaterThan(before);
    expect(written()).toBeGreaterThan(after);
  });
});

/** A studio with a microphone in a browser that encodes pictures and, perhaps, sound. */
function studioHere(hasSoundEncoder: boolean, claim = () => Promise.resolve(true)) {
  const encoder = { isConfigSupported: () => Promise.resolve({ supported: true }) };
  vi.stubGlobal("VideoEncoder", encoder);
  if (hasSoundEncoder) vi.stubGlobal("AudioEncoder", encoder);
  const recorder = { isTypeSupported: () => true };
  vi.stubGlobal("MediaRecorder", recorder);
  const track = () =>
    Object.assign(new EventTarget(), { muted: false, getSettings: () => ({}), stop: () => undefined });
  const [video, sound] = [track(), track()];
  const stream = { getVideoTracks: () => [video], getAudioTracks: () => [sound] };
  const devices = {
    getUserMedia: () => Promise.resolve(stream),
    enumerateDevices: () => Promise.resolve([]),
  };
  const painter = { begin: () => Promise.resolve(null), close: () => undefined };
  const ports = {
    devices,
    openVideo: () => new Promise(() => undefined),
    openPainter: () => painter,
    films: { begin: vi.fn(), append: vi.fn(), forget: vi.fn(() => Promise.resolve()) },
    locks: { claim, release: () => undefined },
    newKey: () => "film",
    now: () => 0,
  };
  const events = studioEvents();
  const studio = new Studio(ports as unknown as StudioPorts, events);
  studio.show({ width: 640, height: 480 } as unknown as HTMLCanvasElement);
  return { studio, events, video, sound };
}

describe("a studio whose microphone is not heard", () => {
  const film = { raw: false, most: 60, signal: new AbortController().signal };
  const opening = () => vi.spyOn(EncodingWriter, "open");
  afterEach(() => vi.restoreAllMocks());

  test("says so and opens films without a track for it", async () => {
    const { speak } = workletHere();
    const { studio, events, sound } = studioHere(true);
    const open = opening();
    await studio.openCamera("user");
    await settle();
    speak();

    sound.dispatchEvent(new Event("ended"));
    await studio.record(film);

    expect(events.silent).toHaveBeenCalledTimes(1);
    expect(open.mock.lastCall![1]).toBe(false);
  });

  test.each(["before it begins", "while it is recorded"])("ends the track of a film %s", async (when) => {
    workletHere();
    const claimed = deferred<boolean>();
    const { studio, sound } = studioHere(true, () => claimed.promise);
    const open = opening();
    const silence = vi.spyOn(EncodingWriter.prototype, "silence");
    await studio.openCamera("user");
    const recording = studio.record(film);
    await vi.waitUntil(() => open.mock.calls.length === 1);
    const begin = async () => {
      claimed.resolve(true);
      await recording;
    };

    if (when === "while it is recorded") await begin();
    sound.dispatchEvent(new Event("ended"));
    await begin();

    expect(open.mock.lastCall![1]).toBe(true);
    expect(silence).toHaveBeenCalledTimes(1);
  });

  test("has sound in the films that are begun after it was heard", async () => {
    vi.useFakeTimers();
    const { speak } = workletHere();
    const { studio, events } = studioHere(true);
    const open = opening();
    await studio.openCamera("user");
    await vi.advanceTimersByTimeAsync(4100);
    expect([events.silent.mock.calls.length, events.heard.mock.calls.length]).toEqual([1, 0]);

    speak();
    speak();
    await studio.record(film);

    expect(events.heard).toHaveBeenCalledTimes(1);
    expect(open.mock.lastCall![1]).toBe(true);
  });

  test("is heard for the film after the one that is being recorded without", async () => {
    vi.useFakeTimers();
    const { speak } = workletHere();
    const { studio, events } = studioHere(true);
    await studio.openCamera("user");
    await vi.advanceTimersByTimeAsync(4100);
    await studio.record(film);

    speak();
    expect(events.heard).not.toHaveBeenCalled();
    const stopped = studio.stop("film").catch(() => null);
    await vi.advanceTimersByTimeAsync(400);
    await stopped;
    speak();

    expect(events.heard).toHaveBeenCalledTimes(1);
  });

  test("is not listened to where the browser records it itself", async () => {
    const { context } = workletHere();
    const { studio, events, sound } = studioHere(false);

    await studio.openCamera("user");
    await settle();
    sound.dispatchEvent(new Event("ended"));

    expect([context.resume.mock.calls.length, events.silent.mock.calls.length]).toEqual([0, 0]);
  });
});

describe("a studio whose camera or microphone is taken by something else", () => {
  beforeEach(() => void vi.useFakeTimers());

  test.each(["video", "sound"] as const)("says so once it lasts (%s)", async (which) => {
    workletHere();
    const here = studioHere(true);
    await here.studio.openCamera("user");
    const track = here[which];
    const mute = (on: boolean) => {
      track.muted = on;
      track.dispatchEvent(new Event(on ? "mute" : "unmute"));
    };

    mute(true);
    await vi.advanceTimersByTimeAsync(1000);
    mute(false);
    await vi.advanceTimersByTimeAsync(5000);
    expect(here.events.interrupted).not.toHaveBeenCalled();
    mute(true);
    await vi.advanceTimersByTimeAsync(2100);

    expect(here.events.interrupted).toHaveBeenCalledTimes(1);
  });

  test("does not care once that camera is closed", async () => {
    workletHere();
    const { studio, events, video } = studioHere(true);
    await studio.openCamera("user");

    studio.closeCamera();
    video.muted = true;
    video.dispatchEvent(new Event("mute"));
    await vi.advanceTimersByTimeAsync(5000);

    expect(events.interrupted).not.toHaveBeenCalled();
  });
});
