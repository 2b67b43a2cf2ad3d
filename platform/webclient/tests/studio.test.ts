import { afterEach, describe, expect, test, vi } from "vitest";

import { EncodingWriter } from "../src/model/live/encoding";
import { Studio, type StudioPorts } from "../src/model/live/studio";
import { settle } from "./fakes";

interface Size {
  width: number;
  height: number;
}

/** A writer of films that writes nothing. */
function writer(change: Partial<EncodingWriter> = {}) {
  return {
    type: "video/webm",
    frame: vi.fn(),
    sound: vi.fn(),
    silence: vi.fn(),
    pause: vi.fn(),
    resume: vi.fn(),
    finish: vi.fn(() => Promise.resolve()),
    drop: vi.fn(() => Promise.resolve()),
    ...change,
  };
}

/** A studio in a browser with WebCodecs that paints whatever its camera is said to see. */
async function studioHere(writers: readonly ReturnType<typeof writer>[] = [writer(), writer()]) {
  const encoder = { isConfigSupported: () => Promise.resolve({ supported: true }) };
  vi.stubGlobal("VideoEncoder", encoder);
  const given = [...writers];
  const opened = vi.spyOn(EncodingWriter, "open").mockImplementation(() => {
    return Promise.resolve(given.shift() as unknown as EncodingWriter);
  });
  let see!: (frame: object) => void;
  const Processor = class {
    readable = new ReadableStream({
      start(controller) {
        see = (frame) => controller.enqueue(frame);
      },
    });
  };
  vi.stubGlobal("MediaStreamTrackProcessor", Processor);
  const track = Object.assign(new EventTarget(), { getSettings: () => ({}), stop: vi.fn() });
  const stream = { getVideoTracks: () => [track], getAudioTracks: () => [] };
  const devices = {
    getUserMedia: () => Promise.resolve(stream),
    enumerateDevices: () => Promise.resolve([]),
  };
  /** Half as large as what is seen, and a little off its shape. */
  const paint = ({ displayWidth, displayHeight }: VideoFrame) =>
    Promise.resolve({ painting: { width: displayWidth / 2 + 4, height: displayHeight / 2, close: vi.fn() } });
  const painter = { begin: vi.fn(), choose: vi.fn(), close: vi.fn(), paint };
  const release = vi.fn();
  const onEnd = vi.fn();
  const onNotice = vi.fn();
  const rest = { seen: vi.fn(), painted: vi.fn(), silent: vi.fn(), heard: vi.fn(), interrupted: vi.fn() };
  const ports = {
    devices,
    openVideo: () => new Promise(() => undefined),
    openPainter: () => painter,
    films: { begin: vi.fn(), append: vi.fn(), forget: vi.fn(() => Promise.resolve()) },
    locks: { claim: () => Promise.resolve(true), release },
    newKey: () => "film",
    now: () => 0,
  };
  const studio = new Studio(ports as unknown as StudioPorts, { ...rest, ended: onEnd, notice: onNotice });
  const canvas = { width: 640, height: 480, getContext: () => ink };
  const ink = { canvas, imageSmoothingQuality: "low", drawImage: vi.fn() };
  studio.show(canvas as unknown as HTMLCanvasElement);
  await studio.openCamera("user");
  await studio.choose([], 1);
  const film = (options: { raw: boolean }) =>
    studio.record({ ...options, most: 60, signal: new AbortController().signal });
  const look = async ({ width, height }: Size) => {
    see({ displayWidth: width, displayHeight: height, timestamp: 0, close: vi.fn() });
    await settle();
    const [, ...places] = ink.drawImage.mock.lastCall!;
    return places as number[];
  };
  return { studio, canvas, film, look, opened, release, onEnd, onNotice };
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("a phone that is turned", () => {
  test("has its whole painting on a canvas of the new shape", async () => {
    const { look, canvas } = await studioHere();

    await look({ width: 640, height: 360 });
    const places = await look({ width: 360, height: 640 });

    expect([canvas.width, canvas.height]).toEqual([360, 640]);
    expect(places).toEqual([0, 0, 184, 320, 0, 0, 360, 640]);
  });

  test("while it films leaves the film its size, and shows the middle in its own proportions", async () => {
    const { look, film, canvas } = await studioHere();
    await look({ width: 640, height: 360 });
    await film({ raw: false });

    expect(await look({ width: 640, height: 360 })).toEqual([0, 0, 324, 180, 0, 0, 640, 360]);
    const [left, top, wide, high, ...onto] = await look({ width: 360, height: 640 });

    expect([canvas.width, canvas.height, ...onto]).toEqual([640, 360, 0, 0, 640, 360]);
    expect([left, wide]).toEqual([0, 184]);
    // 360 × 202.5 of 360 × 640 have the film's shape.
    expect(high).toBeCloseTo(202.5 / 2);
    expect(top! + high! / 2).toBeCloseTo(160);
  });
});
