import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { restyleFile } from "../src/model/live/restyle";

/** A film is a list of levels, one for each frame, at 25 frames a second. */
let film: number[] = [];

vi.mock("mediabunny", async (original) => {
  const sampleOf = (frame: number) => ({
    timestamp: frame / 25,
    displayWidth: 64,
    displayHeight: 36,
    draw: (ink: { level: number }) => (ink.level = film[frame]!),
    close: () => {},
  });
  const track = {
    canDecode: async () => true,
    getFirstTimestamp: async () => 0,
    computeDuration: async () => film.length / 25,
    getDisplayWidth: async () => 64,
    getDisplayHeight: async () => 36,
  };
  type Process = (sample: ReturnType<typeof sampleOf>) => Promise<unknown>;
  class Conversion {
    isValid = true;
    discardedTracks = [];
    onProgress = (_share: number) => {};
    cancelled = false;
    constructor(
      readonly process: Process,
      readonly target: { buffer: ArrayBuffer | null },
    ) {}
    static init = async (options: {
      video: (track: unknown, index: number) => { process: Process };
      output: { target: { buffer: ArrayBuffer | null } };
    }) => new Conversion(options.video(track, 1).process, options.output.target);
    cancel = async () => (this.cancelled = true);
    async execute() {
      for (let frame = 0; frame < film.length; frame++) {
        if (this.cancelled) throw new Error("cancelled");
        await this.process(sampleOf(frame));
        this.onProgress((frame + 1) / film.length);
      }
      this.target.buffer = new ArrayBuffer(1);
    }
  }
  return {
    ...(await original<typeof import("mediabunny")>()),
    Conversion,
    Input: class {
      canRead = async () => true;
      getPrimaryVideoTrack = async () => track;
      dispose = () => {};
    },
    Output: class {
      readonly target: unknown;
      constructor(options: { target: unknown }) {
        this.target = options.target;
      }
    },
    VideoSampleSink: class {
      *samples() {
        for (const frame of film.keys()) yield sampleOf(frame);
      }
      *samplesAtTimestamps(moments: number[]) {
        for (const moment of moments) yield sampleOf(Math.round(moment * 25));
      }
    },
    getFirstEncodableVideoCodec: async () => "avc",
    getFirstEncodableAudioCodec: async () => null,
  };
});

/** A canvas of one colour. */
class Canvas {
  ink = {
    level: 0,
    drawImage() {},
    getImageData: () => ({ data: new Uint8ClampedArray(64 * 36 * 4).fill(this.ink.level) }),
  };
  getContext = () => this.ink;
}

beforeEach(() => {
  vi.stubGlobal("VideoEncoder", vi.fn());
  vi.stubGlobal("OffscreenCanvas", Canvas);
  vi.stubGlobal("createImageBitmap", async (canvas: Canvas) => ({ level: canvas.ink.level, close() {} }));
});
afterEach(() => vi.unstubAllGlobals());

/** A painter that writes down what it is asked. */
function painter(onPaint = (_count: number) => {}) {
  const asked: string[] = [];
  const ask =
    (name: string) =>
    async (frame?: unknown): Promise<null> => {
      const level = (frame as { level: number } | undefined)?.level;
      asked.push(level === undefined ? name : `${name} ${level}`);
      return null;
    };
  const paint = async (frame: unknown) => {
    await ask("paint")(frame);
    onPaint(asked.filter((line) => line.startsWith("paint")).length);
    return { painting: { close() {} } as ImageBitmap, milliseconds: 1 };
  };
  return { asked, begin: ask("begin"), sample: ask("sample"), lock: ask("lock"), paint };
}

const levels = (count: number, level: number) => Array.from({ length: count }, () => level);
const many = (count: number, line: string) => Array.from({ length: count }, () => line);
const file = new File(["f"], "film.mp4");

describe("a local film", () => {
  test("is measured scene by scene, each before its first frame is painted", async () => {
    film = [...levels(12, 40), ...levels(40, 200)];
    const { asked, ...calls } = painter();

    await restyleFile(file, calls, {
      short: 256,
      onProgress: () => {},
      signal: new AbortController().signal,
    });

    expect(asked).toEqual([
      "begin",
      ...many(3, "sample 40"),
      "lock",
      ...many(12, "paint 40"),
      "begin",
      ...many(8, "sample 200"),
      "lock",
      ...many(40, "paint 200"),
    ]);
  });

  test("says how far it is, from the first look to the last frame, and never goes back", async () => {
    film = [...levels(12, 40), ...levels(12, 200)];
    const shares: number[] = [];

    await restyleFile(file, painter(), {
      short: 256,
      onProgress: (share) => shares.push(share),
      signal: new AbortController().signal,
    });

    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.at(0)).toBeLessThan(0.01);
    expect(shares.at(-1)).toBe(1);
  });

  test.each([
    ["while it is looked through", 0, 0],
    ["while it is painted", 5, 5],
  ])("can be cancelled %s", async (_when, after, painted) => {
    film = levels(30, 40);
    const cancelling = new AbortController();
    const { asked, ...calls } = painter((count) => count === after && cancelling.abort());
    const onProgress = () => after === 0 && cancelling.abort();

    const painting = restyleFile(file, calls, { short: 256, onProgress, signal: cancelling.signal });

    await expect(painting).rejects.toMatchObject({ code: "cancelled" });
    expect(asked.filter((line) => line.startsWith("paint"))).toHaveLength(painted);
  });
});
