import { registerEncoder, VideoSample } from "mediabunny";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { EncodingWriter } from "../src/model/live/encoding";
import { PictureTrack } from "../src/model/live/pictures";
import { lengthOf } from "../src/model/live/restyle";
import { Studio, type StudioPorts } from "../src/model/live/studio";
import { Problem } from "../src/model/problem";
import { settle, studioEvents } from "./fakes";
import { Encoder, Picture } from "./films";

interface Size {
  width: number;
  height: number;
}

/** One that gives up after so many pictures. */
class Frail extends Encoder {
  static left = Infinity;
  override encode(sample: VideoSample) {
    if (Frail.left-- <= 0) throw new Error("no memory");
    super.encode(sample);
  }
}
registerEncoder(Frail);
beforeEach(() => {
  Frail.left = Infinity;
  vi.stubGlobal("VideoFrame", Picture);
});

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
async function studioHere(...writers: ReturnType<typeof writer>[]) {
  vi.stubGlobal("VideoEncoder", { isConfigSupported: () => Promise.resolve({ supported: false }) });
  const opened = vi.spyOn(EncodingWriter, "open");
  for (const one of writers) opened.mockResolvedValueOnce(one as unknown as EncodingWriter);
  let time = 0;
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
  const ports = {
    devices,
    openVideo: () => new Promise(() => undefined),
    openPainter: () => painter,
    films: { begin: vi.fn(), append: vi.fn(), forget: vi.fn(() => Promise.resolve()) },
    locks: { claim: () => Promise.resolve(true), release },
    newKey: () => "film",
    now: () => time,
  };
  const studio = new Studio(ports as unknown as StudioPorts, {
    ...studioEvents(),
    ended: onEnd,
    notice: onNotice,
  });
  const canvas = Object.assign(new Picture(), { width: 640, height: 480, getContext: () => ink });
  const ink = { canvas, imageSmoothingQuality: "low", drawImage: vi.fn() };
  studio.show(canvas as unknown as HTMLCanvasElement);
  await studio.openCamera("user");
  await studio.choose([], 1);
  const film = (options: { raw: boolean }) =>
    studio.record({ ...options, most: 60, signal: new AbortController().signal });
  const look = async ({ width, height }: Size, seconds = 0) => {
    time = 1000 * seconds;
    const frame = { displayWidth: width, displayHeight: height, timestamp: 1000 * time };
    see(Object.assign(new Picture(), frame));
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
    const { look, film, canvas } = await studioHere(writer());
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

describe("an encoder that gives up", () => {
  const codecs = { container: "webm", video: "vp8", audio: null } as const;
  const size = { width: 640, height: 480 };

  test("is said at once, and once, and holds no picture of the camera", async () => {
    const onFailure = vi.fn();
    const closed = vi.spyOn(Picture.prototype, "close");
    const film = await EncodingWriter.open(codecs, false, () => Promise.resolve(), onFailure);
    Frail.left = 2;

    const pictures = [0, 1, 2, 3, 4, 5];
    for (const moment of pictures) {
      film.frame(new Picture() as unknown as VideoFrame, moment);
      await settle();
    }

    expect(onFailure).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: "encoder_failed" }));
    const before = closed.mock.calls.length;
    await expect(film.finish(6)).rejects.toMatchObject({ code: "encoder_failed" });
    expect(closed.mock.calls.length).toBe(before);
  });

  test("while the last picture is written ends the film there", async () => {
    const track = new PictureTrack((sample) => {
      if (sample.timestamp >= 4) track.drop();
      return Promise.resolve();
    });
    const pictures = [0, 1, 2, 3, 4];
    for (const timestamp of pictures)
      track.take(new VideoSample(new Picture() as unknown as VideoFrame, { timestamp }));

    await expect(track.end(6)).resolves.toBeUndefined();
  });

  test("because nobody wants the film any more is no failure", async () => {
    const onFailure = vi.fn();
    const film = await EncodingWriter.open(codecs, false, () => Promise.resolve(), onFailure);
    film.frame(new Picture() as unknown as VideoFrame, 0);

    await film.drop();
    await settle();

    expect(onFailure).not.toHaveBeenCalled();
  });

  test("ends the recording, and what was written until then is the film", async () => {
    const { studio, film, look, onEnd, onNotice, release } = await studioHere();
    await film({ raw: false });
    Frail.left = 4;

    for (const second of [0, 1, 2, 3]) await look(size, second);
    expect(onEnd).not.toHaveBeenCalled();
    for (const second of [4, 5]) await look(size, second);
    expect(onEnd).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: "encoder_failed" }));
    const take = await studio.stop("name");

    expect(await lengthOf(take!.painted)).toBeGreaterThan(1);
    expect(onNotice).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: "encoder_failed" }));
    expect(release).not.toHaveBeenCalled();
  });

  test("at its first picture leaves no film", async () => {
    const { studio, film, look, release } = await studioHere();
    await film({ raw: false });
    Frail.left = 0;

    for (const second of [0, 1]) await look(size, second);

    await expect(studio.stop("name")).rejects.toMatchObject({ code: "encoder_failed" });
    expect(release).toHaveBeenCalledWith("film");
  });

  test("on the camera's own film is said, and the painted one goes on", async () => {
    const { studio, film, opened, onEnd, onNotice } = await studioHere(writer(), writer());
    await film({ raw: true });
    const [, , , giveUp] = opened.mock.lastCall!;

    giveUp!(new Problem({ status: -2, code: "encoder_failed" }));

    expect(onNotice).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: "raw_failed" }));
    expect(onEnd).not.toHaveBeenCalled();
    expect(await studio.stop("name")).toMatchObject({ id: "film", raw: null });
  });

  test.each([0, 1])("as its film ends leaves the other to be ended (%s)", async (failing) => {
    const finish = () => Promise.reject(new Problem({ status: -2, code: "encoder_failed" }));
    const writers = [writer(), writer()];
    writers[failing] = writer({ finish });
    const { studio, film, onNotice } = await studioHere(...writers);
    await film({ raw: true });

    const stopping = studio.stop("name");

    await (failing === 0
      ? expect(stopping).rejects.toMatchObject({ code: "encoder_failed" })
      : expect(stopping).resolves.toMatchObject({ id: "film", raw: null }));
    expect(writers[1 - failing]!.finish).toHaveBeenCalledTimes(1);
    expect(onNotice.mock.calls.map(([{ code }]) => code)).toEqual(failing === 0 ? [] : ["raw_failed"]);
  });
});
