import { signal } from "@preact/signals";
import { VideoSample } from "mediabunny";
import { afterEach, describe, expect, test, vi } from "vitest";

import { type Candidate, measure as measureOne } from "../src/model/live/bench";
import { Camera } from "../src/model/live/camera";
import { RecordingClock, TrackClock } from "../src/model/live/clocks";
import { type FilmEntry, FilmStore, GrowingFilm } from "../src/model/live/film";
import { type CapturedFrame, captureFrames } from "../src/model/live/frames";
import { FilmLocks } from "../src/model/live/locks";
import { LAST_FRAME, PictureTrack } from "../src/model/live/pictures";
import { type LiveStyle, StyleShelf } from "../src/model/live/shelf";
import { captureSound } from "../src/model/live/sound";
import { Studio, type StudioEvents, type StudioPorts } from "../src/model/live/studio";
import { type LiveTools, liveTools, type ToolPorts } from "../src/model/live/tools";
import { Painter, type WorkerPort } from "../src/model/painter/protocol";
import { Problem } from "../src/model/problem";
import { Live, type LivePorts } from "../src/viewmodel/live";
import { type Shelf, StyleChoice } from "../src/viewmodel/live-styles";
import { HERE_SECONDS_MOST, LocalRestyle, type Made } from "../src/viewmodel/local-restyle";
import { Speed } from "../src/viewmodel/speed";
import type { Over } from "../src/viewmodel/upload";
import { Clock, deferred, settle, studioEvents, style as serverStyle } from "./fakes";

const modelOf = (name: string) => ({ name, version: "1", sha256: `sha-of-${name}`, embeddingSize: 2 });
const problem = (code: string) => new Problem({ status: -2, code });
const liveStyle = (slug: string): LiveStyle => ({
  slug,
  name: slug,
  thumbnail: `/media/${slug}.jpg`,
  image: `/media/${slug}-large.jpg`,
  accent: { on_dark: "", on_light: "" },
});
const shelfOf = (...slugs: string[]) => ({
  presets: vi.fn(() => Promise.resolve(slugs.map(liveStyle))),
  paintWith: vi.fn(() => Promise.resolve()),
  vector: () => Float32Array.of(1),
  picture: () => Promise.resolve(new Blob()),
  keep: vi.fn(() => Promise.resolve()),
  close: vi.fn(),
});

describe("clocks", () => {
  test("a track's offset is that of what came through most quickly", () => {
    const clock = new TrackClock();

    expect(clock.at(1_000_000, 5040)).toBe(5040);
    expect(clock.at(1_100_000, 5110)).toBe(5110);
    expect(clock.at(1_200_000, 5300)).toBe(5210);
  });

  test("a held offset stays, though something comes through more quickly", () => {
    const clock = new TrackClock();
    clock.at(0, 100);

    clock.hold();

    expect(clock.at(1000, 50)).toBe(101);
  });

  test("nothing is held before anything has come", () => {
    const clock = new TrackClock();

    clock.hold();

    expect(clock.at(0, 70)).toBe(70);
  });

  test("a recording's time leaves out its pauses", () => {
    const clock = new RecordingClock();
    clock.start(1000);
    clock.pause(3000);
    clock.start(10_000);

    expect(clock.seconds(500)).toBeNull();
    expect(clock.seconds(2500)).toBe(1.5);
    expect(clock.seconds(5000)).toBeNull();
    expect(clock.seconds(10_500)).toBe(2.5);
    expect(clock.elapsed(11_000)).toBe(3);
  });

  test("a recording that is stopped late is no longer than it may be", () => {
    const clock = new RecordingClock(60);
    clock.start(0);
    clock.pause(50_000);
    clock.start(100_000);

    expect(clock.seconds(109_999)).toBe(59.999);
    expect(clock.seconds(110_000)).toBeNull();
    expect(clock.elapsed(113_000)).toBe(60);
    clock.pause(113_000);
    expect(clock.elapsed(120_000)).toBe(60);
  });

  test("a frame from before the pause that is painted after it has its place", () => {
    const clock = new RecordingClock();
    clock.start(0);
    clock.pause(1000);

    expect(clock.seconds(990)).toBe(0.99);
    expect(clock.running).toBe(false);
  });
});

describe("the camera", () => {
  const track = (kind: string) => ({ kind, getSettings: () => ({}), stop: vi.fn() });
  const stream = (withSound: boolean) => ({
    getVideoTracks: () => [track("video")],
    getAudioTracks: () => (withSound ? [track("audio")] : []),
  });
  const devices = (getUserMedia: (wish: MediaStreamConstraints) => Promise<unknown>, cameras = 1) =>
    ({
      getUserMedia,
      enumerateDevices: () =>
        Promise.resolve(Array.from({ length: cameras }, () => ({ kind: "videoinput" }))),
    }) as unknown as MediaDevices;

  test.each([
    ["NotAllowedError", "camera_denied"],
    ["NotFoundError", "no_camera"],
    ["NotReadableError", "camera_busy"],
    ["OverconstrainedError", "no_camera"],
    ["Unheard", "camera_busy"],
  ])("%s is said to be %s", async (name, code) => {
    const camera = new Camera({ devices: devices(() => Promise.reject(new DOMException("", name))) });

    await expect(camera.open("user")).rejects.toMatchObject({ code });
  });

  test("a page without cameras says so", async () => {
    await expect(new Camera({ devices: null }).open("user")).rejects.toMatchObject({
      code: "no_camera_here",
    });
  });

  test("without a microphone it films in silence", async () => {
    const camera = new Camera({
      devices: devices(({ audio }) =>
        audio ? Promise.reject(new DOMException("", "NotFoundError")) : Promise.resolve(stream(false)),
      ),
    });

    expect(await camera.open("user")).toMatchObject({ sound: null, other: null });
  });

  test("two cameras can be flipped", async () => {
    const camera = new Camera({ devices: devices(() => Promise.resolve(stream(true)), 2) });

    expect(await camera.open("environment")).toMatchObject({ facing: "environment", other: "user" });
  });

  interface Asked {
    deviceId?: { exact: string };
    facingMode?: { exact?: string; ideal?: string };
  }

  /** Cameras by their names, each with the way that it says it faces; the first is given where any will do. */
  function desk(ways: Record<string, string | undefined>) {
    const names = Object.keys(ways);
    const asked: Asked[] = [];
    const getUserMedia = ({ video }: MediaStreamConstraints) => {
      const wish = video as Asked;
      asked.push(wish);
      const { exact, ideal } = wish.facingMode ?? {};
      const facing = names.find((name) => ways[name] && ways[name] === (exact ?? ideal));
      if (exact && !facing) return Promise.reject(new DOMException("", "OverconstrainedError"));
      const name = wish.deviceId?.exact ?? facing ?? names[0]!;
      const settings = { deviceId: name, ...(ways[name] && { facingMode: ways[name] }) };
      const opened = { ...track("video"), getSettings: () => settings };
      return Promise.resolve({ getVideoTracks: () => [opened], getAudioTracks: () => [] });
    };
    const enumerateDevices = () =>
      Promise.resolve([
        { kind: "audioinput", deviceId: "microphone" },
        ...names.map((deviceId) => ({ kind: "videoinput", deviceId })),
      ]);
    const camera = new Camera({ devices: { getUserMedia, enumerateDevices } as unknown as MediaDevices });
    return { camera, asked };
  }

  /** What is opened by flipping so many times. */
  async function flipped(camera: Camera, times: number) {
    const shots = [await camera.open("user")];
    while (shots.length <= times) shots.push(await camera.open(shots.at(-1)!.other!));
    return shots.map(({ video }) => video.getSettings().deviceId);
  }

  test("those of a desk do not say how they face, and are gone through by name", async () => {
    const { camera, asked } = desk({ lid: undefined, shelf: undefined });

    const lid = await camera.open("user");
    const shelf = await camera.open(lid.other!);

    expect([lid.camera, lid.other]).toEqual([{ deviceId: "lid" }, { deviceId: "shelf" }]);
    expect(asked[1]).toMatchObject({ deviceId: { exact: "shelf" } });
    expect([shelf.facing, shelf.other]).toEqual(["user", { deviceId: "lid" }]);
  });

  test("those of a phone are told apart by how they face, however many there are", async () => {
    const { camera, asked } = desk({ front: "user", back: "environment", wide: "environment" });

    const back = await camera.open("environment");

    expect(asked[0]).toMatchObject({ facingMode: { ideal: "environment" } });
    expect([back.camera, back.other]).toMatchObject(["environment", { facing: "user" }]);
    expect(await flipped(camera, 2)).toEqual(["front", "back", "front"]);
  });

  test.each([
    ["the first", { lid: "user", shelf: undefined }],
    ["the second", { shelf: undefined, lid: "user" }],
    ["both, the same way", { lid: "user", shelf: "user" }],
  ])("of two where %s says how it faces, a flip opens the other one", async (_, ways) => {
    const { camera } = desk(ways);

    expect(await flipped(camera, 2)).toEqual(["lid", "shelf", "lid"]);
  });

  test("one that was opened by name is opened again by name", async () => {
    const { camera } = desk({ lid: "user", shelf: "user" });

    const shelf = await camera.open((await camera.open("user")).other!);

    expect(shelf.camera).toEqual({ deviceId: "shelf" });
  });

  test("one that is refused is not looked for under another name", async () => {
    const getUserMedia = vi.fn(() => Promise.reject(new DOMException("", "NotAllowedError")));
    const camera = new Camera({ devices: devices(getUserMedia) });

    const opening = camera.open({ facing: "environment", otherwise: { deviceId: "shelf" } });

    await expect(opening).rejects.toMatchObject({ code: "camera_denied" });
    expect(getUserMedia).not.toHaveBeenCalledWith(
      expect.objectContaining({ video: expect.objectContaining({ deviceId: { exact: "shelf" } }) }),
    );
  });
});

describe("frames of a camera", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  function camera(frames: { timestamp: number }[]) {
    const closed: number[] = [];
    class Processor {
      readable = new ReadableStream({
        start(controller) {
          for (const frame of frames)
            controller.enqueue({ ...frame, close: () => closed.push(frame.timestamp) });
        },
      });
    }
    vi.stubGlobal("MediaStreamTrackProcessor", Processor);
    vi.stubGlobal("createImageBitmap", () => Promise.resolve("bitmap"));
    const seen: CapturedFrame[] = [];
    const shown: ((now: number, data: object) => void)[] = [];
    const video = { srcObject: {}, requestVideoFrameCallback: (run: (typeof shown)[0]) => shown.push(run) };
    const openVideo = vi.fn(() => Promise.resolve(video as unknown as HTMLVideoElement));
    const ended = vi.fn();
    const track = new EventTarget() as MediaStreamTrack;
    const source = captureFrames(track, { now: () => 0, openVideo }, (frame) => seen.push(frame), ended);
    return { source, seen, shown, openVideo, ended };
  }

  test("a track that hands out none is watched in a video instead", async () => {
    vi.useFakeTimers();
    const { seen, shown, openVideo, ended } = camera([]);

    await vi.advanceTimersByTimeAsync(3500);
    expect(openVideo).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1000);
    shown[0]!(7, { captureTime: 5 });
    await vi.advanceTimersByTimeAsync(0);

    expect(seen).toEqual([{ frame: "bitmap", at: 5 }]);
    expect(ended).not.toHaveBeenCalled();
  });

  test("one that does is read to its end, however long it pauses", async () => {
    vi.useFakeTimers();
    const { seen, openVideo } = camera([{ timestamp: 3000 }]);

    await vi.advanceTimersByTimeAsync(10_000);

    expect(seen).toHaveLength(1);
    expect(openVideo).not.toHaveBeenCalled();
  });

  test("whoever stops hears of no end, and nothing else is opened", async () => {
    vi.useFakeTimers();
    const { source, openVideo, ended } = camera([]);

    source.stop();
    await vi.advanceTimersByTimeAsync(10_000);

    expect(ended).not.toHaveBeenCalled();
    expect(openVideo).not.toHaveBeenCalled();
  });
});

describe("sound of a microphone", () => {
  afterEach(() => vi.unstubAllGlobals());
  const microphone = (end: { read?: Promise<object>; load?: Promise<void> }) => {
    if (end.read) {
      const read = () => end.read;
      const Processor = class {
        readable = { getReader: () => ({ read, cancel: () => Promise.resolve() }) };
      };
      vi.stubGlobal("MediaStreamTrackProcessor", Processor);
    }
    const close = vi.fn(() => Promise.resolve());
    const Context = class {
      audioWorklet = { addModule: () => end.load };
      close = close;
    };
    vi.stubGlobal("AudioContext", Context);
    const onFailure = vi.fn();
    const events = { sound: vi.fn(), missing: vi.fn(), failed: onFailure };
    const source = captureSound(new EventTarget() as MediaStreamTrack, () => 0, events);
    return { source, onFailure };
  };

  test.each(["read", "load"] as const)("that cannot be heard is said: %s", async (step) => {
    const answer = deferred<never>();
    const { onFailure } = microphone({ [step]: answer.promise });

    answer.reject(new DOMException("", "InvalidStateError"));
    await settle();

    expect(onFailure).toHaveBeenCalledTimes(1);
  });

  test.each(["read", "load"] as const)("that fails after it was stopped is no failure: %s", async (step) => {
    const answer = deferred<never>();
    const { source, onFailure } = microphone({ [step]: answer.promise });

    source.stop();
    answer.reject(new DOMException("", "InvalidStateError"));
    await settle();

    expect(onFailure).not.toHaveBeenCalled();
  });
});

describe("a growing film", () => {
  test("that the store has no room for goes on in memory, and says so once", async () => {
    const full = new DOMException("", "QuotaExceededError");
    const append = vi.fn().mockResolvedValueOnce(undefined).mockRejectedValue(full);
    const unkept = vi.fn();
    const film = new GrowingFilm({ append }, "film", "painted", unkept);

    for (const letter of ["a", "b", "c"]) await film.append(new Blob([letter]));

    expect(await film.blob().text()).toBe("abc");
    expect(append).toHaveBeenCalledTimes(2);
    expect(unkept).toHaveBeenCalledTimes(1);
  });
});

/** The locks of a browser as one of its tabs sees them. */
class Locks {
  readonly names: Set<string>;

  constructor(names: Set<string>) {
    this.names = names;
  }

  request = (name: string, _options: LockOptions, take: (lock: Lock | null) => unknown): Promise<unknown> => {
    if (this.names.has(name)) return Promise.resolve(take(null));
    return new Promise((done) => {
      this.names.add(name);
      void Promise.resolve(take({ name, mode: "exclusive" })).then((answer) => {
        this.names.delete(name);
        done(answer);
      });
    });
  };

  query = () => Promise.resolve({ held: [...this.names].map((name) => ({ name })) });
}

describe("whose a film is", () => {
  function tabs() {
    const browser = new Set<string>();
    const open = () => new FilmLocks(new Locks(browser) as unknown as LockManager);
    return { mine: open(), other: open(), browser };
  }

  test("is whoever claimed it first, until it is released", async () => {
    const { mine, other } = tabs();

    expect(await mine.claim("film")).toBe(true);
    expect(await other.claim("film")).toBe(false);
    mine.release("film");
    await settle();

    expect(await other.claim("film")).toBe(true);
    expect(await mine.claim("film")).toBe(false);
  });

  test("may be asked for twice by the same tab, and is then let go at once", async () => {
    const { mine, other } = tabs();
    await mine.claim("film");

    expect(await mine.claim("film")).toBe(true);
    mine.release("film");
    await settle();

    expect(await other.claim("film")).toBe(true);
  });

  test("is seen by all tabs, for films alone and one by one", async () => {
    const { mine, other, browser } = tabs();
    browser.add("something else");
    await mine.claim("film");

    expect([...(await other.held())]).toEqual(["film"]);
    expect([...(await mine.held())]).toEqual(["film"]);
    expect(await other.claim("another film")).toBe(true);
  });

  test.each([
    ["there are none", null],
    [
      "they are forbidden",
      {
        request: () => Promise.reject(new DOMException("", "SecurityError")),
        query: () => Promise.reject(new DOMException("", "SecurityError")),
      } as unknown as LockManager,
    ],
  ])("is everybody's where %s", async (_why, manager) => {
    const locks = new FilmLocks(manager);

    expect(await locks.claim("film")).toBe(true);
    expect([...(await locks.held())]).toEqual([]);
    locks.release("film");
  });
});

const answered = (result: unknown) => ({
  result,
  addEventListener: (name: string, listener: () => void) => void (name === "success" && listener()),
});

/** A transaction of a store, done as soon as somebody waits for it. */
const transactionOf = (store: object) => ({
  objectStore: () => store,
  addEventListener: (name: string, listener: () => void) => void (name === "complete" && listener()),
});

/** A database that holds these films and nothing else. */
function databaseOf(films: readonly FilmEntry[]): IDBFactory {
  const store = { getAll: () => answered(films), delete: () => answered(undefined) };
  const database = { transaction: () => transactionOf(store) };
  return { open: () => answered(database) } as unknown as IDBFactory;
}

test("a film is kept as bytes: a private window of Safari keeps no blobs", async () => {
  const put = vi.fn((_piece: object) => answered(undefined));
  const database = { transaction: () => transactionOf({ put }) };
  const store = new FilmStore({ open: () => answered(database) } as unknown as IDBFactory);

  await store.append("film", "painted", 2, new Blob(["abc"]));

  const bytes = new TextEncoder().encode("abc").buffer;
  expect(put).toHaveBeenCalledWith({ film: "film", track: "painted", index: 2, bytes });
});

describe("films that were left behind", () => {
  const left = { id: "left", startedAt: 1, types: {} };
  const running = { id: "running", startedAt: 2, types: {} };
  function tabs() {
    const browser = new Set<string>();
    const open = () => {
      const lockManager = new Locks(browser) as unknown as LockManager;
      return liveTools({ indexedDB: databaseOf([left, running]), lockManager } as unknown as ToolPorts);
    };
    return [open(), open()] as const;
  }

  test("are those that no tab has", async () => {
    const [mine, other] = tabs();
    expect(await other.unfinished()).toEqual([running, left]);

    await mine.claim("running");

    expect(await other.unfinished()).toEqual([left]);
    mine.release("running");
    await settle();
    expect(await other.unfinished()).toEqual([running, left]);
  });

  test("are nobody's any more once they are thrown away", async () => {
    vi.stubGlobal("IDBKeyRange", { bound: () => undefined });
    const [mine, other] = tabs();
    await mine.claim("left");

    await mine.forget("left");
    await settle();

    expect(await other.claim("left")).toBe(true);
    vi.unstubAllGlobals();
  });
});

/** A studio in a browser without WebCodecs, whose camera hands out nothing yet. */
function studioHere(
  change: { getUserMedia?: () => Promise<unknown>; claim?: () => Promise<boolean>; sounds?: string[] } = {},
) {
  const timers = new Set<number>();
  const recorders: { state: string }[] = [];
  const heard: string[] = [];
  class Recorder extends EventTarget {
    static isTypeSupported = () => true;
    state = "recording";
    ondataavailable: ((event: { data: Blob }) => void) | null = null;
    constructor() {
      super();
      recorders.push(this);
    }
    start() {}
    pause() {
      this.state = "paused";
    }
    stop() {
      heard.push(this.state);
      this.state = "inactive";
      this.ondataavailable?.({ data: new Blob(["film"]) });
      this.dispatchEvent(new Event("stop"));
    }
  }
  vi.stubGlobal("MediaRecorder", Recorder);
  vi.stubGlobal("setInterval", () => timers.add(timers.size) && timers.size - 1);
  vi.stubGlobal("clearInterval", (timer: number) => timers.delete(timer));
  const stopped: string[] = [];
  const track = (name: string) =>
    Object.assign(new EventTarget(), { getSettings: () => ({}), stop: () => void stopped.push(name) });
  const sounds = (change.sounds ?? []).map(track);
  const stream = (name: string) => ({ getVideoTracks: () => [track(name)], getAudioTracks: () => sounds });
  const films = {
    begin: vi.fn(() => Promise.resolve()),
    append: vi.fn(() => Promise.resolve()),
    forget: vi.fn(() => Promise.resolve()),
  };
  const locks = { claim: vi.fn(change.claim ?? (() => Promise.resolve(true))), release: vi.fn() };
  const painter = { begin: vi.fn(() => Promise.resolve(null)), close: vi.fn() };
  const events = studioEvents();
  const ports = {
    devices: {
      getUserMedia: change.getUserMedia ?? (() => Promise.resolve(stream("camera"))),
      enumerateDevices: () => Promise.resolve([]),
    },
    openVideo: () => new Promise(() => undefined),
    openPainter: () => painter,
    films,
    locks,
    newKey: () => "film",
    now: () => 0,
  };
  const studio = new Studio(ports as unknown as StudioPorts, events);
  const addTrack = vi.fn();
  const canvas = { width: 640, height: 480, captureStream: () => ({ addTrack }) };
  studio.show(canvas as unknown as HTMLCanvasElement);
  return {
    studio,
    films,
    locks,
    events,
    painter,
    stopped,
    stream,
    timers,
    recorders,
    heard,
    sounds,
    addTrack,
  };
}

describe("the camera of a studio", () => {
  afterEach(() => vi.unstubAllGlobals());

  test("that opens after another was wished for is closed, and the other stays", async () => {
    const slow = deferred<unknown>();
    const getUserMedia = vi.fn().mockReturnValueOnce(slow.promise);
    const { studio, stopped, stream } = studioHere({ getUserMedia });
    getUserMedia.mockResolvedValue(stream("second"));

    const first = studio.openCamera("user");
    const second = studio.openCamera("environment");
    expect((await second)?.facing).toBe("environment");
    slow.resolve(stream("first"));

    expect(await first).toBeNull();
    expect(stopped).toEqual(["first"]);
  });

  test("that is overtaken while the painter begins is no shot either", async () => {
    const begun = deferred<null>();
    const { studio, painter, events, stopped } = studioHere();
    painter.begin.mockReturnValueOnce(begun.promise);
    const opening = studio.openCamera("user");
    await settle();
    expect(events.seen).toHaveBeenCalledTimes(1);

    studio.close();
    begun.resolve(null);

    expect(await opening).toBeNull();
    expect(stopped).toEqual(["camera"]);
  });
});

describe("a film that is being prepared", () => {
  afterEach(() => vi.unstubAllGlobals());

  test("has none of the camera beside it without WebCodecs", async () => {
    const { studio } = studioHere();
    await studio.openCamera("user");

    expect(await studio.canKeepRaw()).toBe(false);
  });

  test("is recorded with its sound where the browser encodes pictures alone", async () => {
    vi.stubGlobal("VideoEncoder", { isConfigSupported: () => Promise.resolve({ supported: true }) });
    const { studio, recorders, addTrack, sounds } = studioHere({ sounds: ["microphone"] });
    await studio.openCamera("user");

    expect(await studio.canKeepRaw()).toBe(false);
    await studio.record({ raw: true, most: 60, signal: new AbortController().signal });

    expect(recorders).toHaveLength(1);
    expect(addTrack).toHaveBeenCalledWith(sounds[0]);
  });

  test("is encoded without its sound where the browser has no recorder that writes films", async () => {
    vi.stubGlobal("VideoEncoder", { isConfigSupported: () => Promise.resolve({ supported: true }) });
    const { studio } = studioHere({ sounds: ["microphone"] });
    vi.stubGlobal("MediaRecorder", { isTypeSupported: () => false });
    await studio.openCamera("user");

    expect(await studio.canKeepRaw()).toBe(true);
  });

  test("is encoded without a recorder where there is no sound to lose", async () => {
    vi.stubGlobal("VideoEncoder", { isConfigSupported: () => Promise.resolve({ supported: true }) });
    const { studio, recorders } = studioHere();
    await studio.openCamera("user");

    expect(await studio.canKeepRaw()).toBe(true);
    await studio.record({ raw: false, most: 60, signal: new AbortController().signal });

    expect(recorders).toHaveLength(0);
  });

  test("is recorded, and its drawing stops with it", async () => {
    const { studio, films, timers, recorders } = studioHere();
    await studio.openCamera("user");

    expect(await studio.record({ raw: false, most: 60, signal: new AbortController().signal })).toBe(true);
    expect([films.begin.mock.calls.length, timers.size]).toEqual([1, 1]);
    await studio.stop("name");

    expect([timers.size, recorders[0]!.state]).toEqual([0, "inactive"]);
  });

  test("without WebCodecs is recorded no longer while what is on its way is waited for", async () => {
    const { studio, heard, recorders } = studioHere();
    await studio.openCamera("user");
    await studio.record({ raw: false, most: 60, signal: new AbortController().signal });

    const stopping = studio.stop("name");
    expect(recorders[0]!.state).toBe("paused");
    await stopping;

    expect(heard).toEqual(["paused"]);
  });

  test("whose recorder has ended by itself can still be stopped", async () => {
    const { studio, recorders } = studioHere();
    await studio.openCamera("user");
    await studio.record({ raw: false, most: 60, signal: new AbortController().signal });
    recorders[0]!.state = "inactive";

    studio.pause();
    studio.resume();

    expect(await studio.stop("name")).toMatchObject({ id: "film" });
    expect(recorders[0]!.state).toBe("inactive");
  });

  test.each([
    ["nobody wants it any more", (wish: AbortController) => wish.abort()],
    ["the studio is closed", (_wish: AbortController, studio: Studio) => studio.close()],
  ])("leaves nothing where meanwhile %s", async (_why, end) => {
    const claimed = deferred<boolean>();
    const { studio, films, locks, timers, recorders } = studioHere({ claim: () => claimed.promise });
    const wish = new AbortController();
    await studio.openCamera("user");
    const recording = studio.record({ raw: false, most: 60, signal: wish.signal });
    await settle();

    end(wish, studio);
    claimed.resolve(true);

    expect(await recording).toBe(false);
    expect(films.begin).not.toHaveBeenCalled();
    expect(films.forget).toHaveBeenCalledWith("film");
    expect(locks.release).toHaveBeenCalledWith("film");
    expect([timers.size, recorders[0]!.state]).toEqual([0, "inactive"]);
  });

  test("claims nothing once it is known that nobody wants it", async () => {
    const { studio, films, locks } = studioHere();
    await studio.openCamera("user");

    expect(await studio.record({ raw: false, most: 60, signal: AbortSignal.abort() })).toBe(false);
    expect([locks.claim.mock.calls.length, films.begin.mock.calls.length]).toEqual([0, 0]);
  });

  test("is left to be found when the studio is closed while it is recorded", async () => {
    const { studio, films, locks, timers, recorders } = studioHere();
    await studio.openCamera("user");
    await studio.record({ raw: false, most: 60, signal: new AbortController().signal });

    studio.close();
    await settle();

    expect([timers.size, recorders[0]!.state]).toEqual([0, "inactive"]);
    expect(films.forget).not.toHaveBeenCalled();
    expect(films.append).toHaveBeenCalledTimes(1);
    expect(locks.release).toHaveBeenCalledWith("film");
  });
});

describe("the pictures of a film", () => {
  const black = (timestamp: number) =>
    new VideoSample(new Uint8Array(4), { format: "RGBA", codedWidth: 1, codedHeight: 1, timestamp });
  function film(encode = () => Promise.resolve()) {
    const written: { from: number; duration: number }[] = [];
    const track = new PictureTrack((sample) => {
      written.push({ from: sample.timestamp, duration: sample.duration });
      return encode();
    });
    const take = (...moments: number[]) => {
      for (const moment of moments) track.take(black(moment));
    };
    return { track, take, moments: () => written.map(({ from }) => from), written };
  }

  test("the first stands from the beginning, all others where they were captured", async () => {
    const { take, moments } = film();

    take(0.4, 1, 2.5);
    await settle();

    expect(moments()).toEqual([0, 1, 2.5]);
  });

  test("a film that is given up holds no picture any more", () => {
    const { track } = film();
    const last = black(0);
    const close = vi.spyOn(last, "close");
    track.take(last);

    track.drop();

    expect(close).toHaveBeenCalledTimes(1);
  });

  test("of a painter that lagged the last one stands until the end", async () => {
    const { track, take, written } = film();
    take(0, 3.6);

    await track.end(5.8);

    expect(written).toHaveLength(3);
    expect(written[2]!.from + written[2]!.duration).toBeCloseTo(5.8);
  });

  test("one that was seen to the end already is not written twice", async () => {
    const { track, take, moments } = film();
    take(0, 2 - LAST_FRAME / 2);

    await track.end(2);

    expect(moments()).toHaveLength(2);
  });

  test("an encoder that lagged gets the newest one that it had no time for", async () => {
    const blocked = deferred<void>();
    const { track, take, moments } = film(() => blocked.promise);
    take(0, 0.1, 0.2, 0.3, 0.4, 0.5);
    expect(moments()).toEqual([0, 0.1, 0.2, 0.3]);

    blocked.resolve();
    await track.end(3);

    expect(moments()).toEqual([0, 0.1, 0.2, 0.3, 0.5, 3 - LAST_FRAME]);
  });

  test("that come out of order are left out", async () => {
    const { take, moments } = film();

    take(0, 2, 1, 2);
    await settle();

    expect(moments()).toEqual([0, 2]);
  });

  test("a film without any ends without one", async () => {
    const { track, moments } = film();

    await track.end(5);

    expect(moments()).toEqual([]);
  });
});

describe("the shelf of styles", () => {
  const V1 = modelOf("impasto-v1");
  const V2 = modelOf("impasto-v2");
  const VECTORS = "/api/v1/style-embeddings/?model=sha-of-";
  const vectors = (name: string, values: number[]) => ({
    model_sha256: `sha-of-${name}`,
    styles: [{ slug: "wave", values }],
  });
  const ANSWERS: Record<string, unknown> = {
    "/api/v1/styles/?kind=preset&page_size=100": {
      results: [serverStyle("wave", { thumbnail_url: "/t.jpg", image_url: "/i.jpg" })],
    },
    "/t.jpg": "thumbnail",
    [`${VECTORS}impasto-v1`]: vectors("impasto-v1", [1, 2]),
    [`${VECTORS}impasto-v2`]: vectors("impasto-v2", [3, 4]),
  };
  function shelf(online: { is: boolean }, kept = new Map<string, Response>(), answers = ANSWERS) {
    const cache = {
      match: (url: string) => Promise.resolve(kept.get(url)?.clone()),
      put: (url: string, answer: Response) => Promise.resolve(void kept.set(url, answer)),
      delete: (url: string) => Promise.resolve(kept.delete(url.replace("http://x", ""))),
      keys: () => Promise.resolve([...kept.keys()].map((url) => ({ url: `http://x${url}` }))),
    } as unknown as Cache;
    return new StyleShelf({
      fetch: (url) => {
        if (!online.is) return Promise.reject(new TypeError());
        return Promise.resolve(
          url in answers ? Response.json(answers[url]) : new Response("", { status: 404 }),
        );
      },
      open: () => Promise.resolve(cache),
      openPicture: () => "blob:thumbnail",
      closePicture: () => undefined,
    });
  }

  test("has the server's vectors of the model that is painted with", async () => {
    const styles = shelf({ is: true });

    await styles.paintWith(V1);
    expect([...styles.vector("wave")!]).toEqual([1, 2]);
    expect(styles.vector("other")).toBeNull();

    await styles.paintWith(V2);
    expect([...styles.vector("wave")!]).toEqual([3, 4]);
  });

  test.each([
    ["of another model", vectors("impasto-v1", [1, 2])],
    ["of another size", vectors("impasto-v2", [1, 2, 3])],
    ["of nothing", {}],
  ])("vectors %s are not used, whatever the server says", async (_name, answer) => {
    const styles = shelf({ is: true }, new Map(), { ...ANSWERS, [`${VECTORS}impasto-v2`]: answer });

    await styles.paintWith(V2);

    expect(styles.vector("wave")).toBeNull();
  });

  test("a server that has none of a model leaves none of the last one", async () => {
    const styles = shelf({ is: true });
    await styles.paintWith(V1);

    await styles.paintWith(modelOf("impasto-v3"));

    expect(styles.vector("wave")).toBeNull();
  });

  test("is there without a network once it was kept", async () => {
    const kept = new Map<string, Response>();
    const before = shelf({ is: true }, kept);
    await before.presets();
    await before.paintWith(V1);
    await before.keep();

    const styles = shelf({ is: false }, kept);
    await styles.paintWith(V1);

    expect(await styles.presets()).toMatchObject([{ slug: "wave", thumbnail: "blob:thumbnail" }]);
    expect([...styles.vector("wave")!]).toEqual([1, 2]);
  });

  test("another release takes the place of what was kept of the last one", async () => {
    const kept = new Map<string, Response>();
    for (const release of [V1, V2]) {
      const styles = shelf({ is: true }, kept);
      await styles.presets();
      await styles.paintWith(release);
      await styles.keep();
    }
    const offline = shelf({ is: false }, kept);

    await offline.paintWith(V1);
    expect(offline.vector("wave")).toBeNull();
    await offline.paintWith(V2);
    expect([...offline.vector("wave")!]).toEqual([3, 4]);
    expect([...kept.keys()].filter((url) => url.includes("embeddings"))).toEqual([`${VECTORS}impasto-v2`]);
  });

  test("without a network and never seen is refused", async () => {
    await expect(shelf({ is: false }).presets()).rejects.toMatchObject({ offline: true });
  });
});

describe("the choice of a style", () => {
  const make = (
    onChoice = vi.fn(() => Promise.resolve()),
    embed = vi.fn((_picture: Blob) => Promise.resolve(Float32Array.of(9))),
  ) => {
    const choice = new StyleChoice(
      {
        embed,
        openPicture: () => "blob:own",
        closePicture: vi.fn(),
      },
      onChoice,
    );
    return { choice, onChoice };
  };

  test("begins with the wished one, or the first", async () => {
    const { choice } = make();
    await choice.load(shelfOf("wave", "kiss"), "kiss");
    expect(choice.chosen.value).toBe("kiss");

    await choice.load(shelfOf("wave", "kiss"), "unknown");
    expect(choice.chosen.value).toBe("wave");
  });

  test("while one wish is being met only the newest other is remembered", async () => {
    const first = deferred<void>();
    const onChoice = vi.fn().mockReturnValueOnce(first.promise).mockResolvedValue(undefined);
    const { choice } = make(onChoice);
    await choice.load(shelfOf("wave"), null);
    void choice.apply();
    await settle();

    for (const strength of [0.2, 0.4, 0.6]) void choice.setStrength(strength);
    first.resolve();
    await settle();

    expect(onChoice.mock.calls.map(([, strength]) => strength)).toEqual([1, 0.6]);
  });

  test("a wish that fails takes no newer one with it", async () => {
    const first = deferred<void>();
    const onChoice = vi.fn().mockReturnValueOnce(first.promise).mockResolvedValue(undefined);
    const { choice } = make(onChoice);
    await choice.load(shelfOf("wave", "kiss"), null);
    const picking = choice.pick("wave");
    await settle();

    void choice.pick("kiss");
    first.reject(problem("no_style"));
    await picking;

    expect(onChoice).toHaveBeenCalledTimes(2);
    expect([choice.chosen.value, choice.problem.value]).toEqual(["kiss", null]);
  });

  test("strength stays between 0 and 1.5", () => {
    const { choice } = make();

    void choice.setStrength(7);
    expect(choice.strength.value).toBe(1.5);
    void choice.setStrength(-1);
    expect(choice.strength.value).toBe(0);
  });

  test("one's own picture is looked at here and chosen", async () => {
    const { choice, onChoice } = make();
    await choice.load(shelfOf("wave"), null);

    await choice.addPicture(new File(["x"], "cat.png"));

    expect(choice.own.value).toMatchObject([{ name: "cat", thumbnail: "blob:own" }]);
    expect(onChoice).toHaveBeenLastCalledWith({ embedding: Float32Array.of(9), weight: 1 }, 1);
  });
});

describe("another release while the page is open", () => {
  test("has all vectors anew: those of the presets and of one's own pictures", async () => {
    const painted = vi.fn((_ingredient: { embedding: Float32Array }) => Promise.resolve());
    const own = new File(["x"], "cat.png");
    let says = 1;
    const embed = vi.fn((_picture: Blob) => Promise.resolve(Float32Array.of(10 * says)));
    const choice = new StyleChoice({ embed, openPicture: () => "blob:own", closePicture: vi.fn() }, painted);
    const shelf = {
      ...shelfOf("wave"),
      vector: (slug: string) => (slug === "wave" ? Float32Array.of(says) : null),
    };
    await choice.load(shelf, null);
    await choice.paintWith(modelOf("impasto-v1"));
    await choice.apply();
    await choice.addPicture(own);

    says = 2;
    await choice.paintWith(modelOf("impasto-v2"));
    await choice.apply();
    await choice.pick("wave");

    expect(shelf.paintWith).toHaveBeenLastCalledWith(modelOf("impasto-v2"));
    expect(embed).toHaveBeenLastCalledWith(own);
    expect(painted.mock.calls.map(([{ embedding }]) => embedding[0])).toEqual([1, 10, 20, 2]);
  });
});

const shotOf = (facing: string) => ({
  facing,
  camera: facing,
  other: facing === "user" ? "environment" : "user",
  sound: {},
});

function live(change: { studio?: object; tools?: object; use?: LivePorts["use"]; most?: number } = {}) {
  const clock = new Clock();
  let events!: StudioEvents;
  let hide = () => {};
  let leave = () => {};
  let comeBack = () => {};
  const take = { id: "film", painted: new File(["p"], "p.mp4"), raw: new File(["r"], "r.mp4") };
  let recordedFrom = 0;
  const studio = {
    openPainter: vi.fn(() => Promise.resolve({ backend: "wasm", threads: 2, model: modelOf("impasto-v1") })),
    openCamera: vi.fn((wish: string) => Promise.resolve(shotOf(wish))),
    closeCamera: vi.fn(),
    canKeepRaw: vi.fn(() => Promise.resolve(true)),
    show: vi.fn(),
    mirror: vi.fn(),
    choose: vi.fn(() => Promise.resolve()),
    record: vi.fn((_options: object) => {
      recordedFrom = clock.time;
      return Promise.resolve(true);
    }),
    pause: vi.fn(),
    resume: vi.fn(),
    stop: vi.fn(() => Promise.resolve(take)),
    close: vi.fn(),
    get seconds() {
      return (clock.time - recordedFrom) / 1000;
    },
    ...change.studio,
  };
  const tools = {
    shelf: () => shelfOf("wave"),
    studio: (listener: StudioEvents) => {
      events = listener;
      return studio;
    },
    unfinished: vi.fn(() => Promise.resolve([])),
    recover: vi.fn(() => Promise.resolve(take)),
    claim: vi.fn(() => Promise.resolve(true)),
    release: vi.fn(),
    forget: vi.fn(() => Promise.resolve()),
    ...change.tools,
  };
  const use = vi.fn(change.use ?? (() => true));
  const takeBack = vi.fn();
  const sleep = vi.fn();
  const stayAwake = vi.fn(() => sleep);
  const model = new Live(
    {
      live: () => Promise.resolve(tools as unknown as LiveTools),
      pictures: { open: () => "blob:film", close: vi.fn() },
      onHidden: (listener) => {
        hide = listener;
        return () => {};
      },
      onLeave: (left, back) => {
        leave = left;
        comeBack = back;
        return () => {};
      },
      use,
      takeBack,
      secondsMost: () => change.most ?? 60,
      stayAwake,
      now: () => clock.time,
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout,
    },
    null,
  );
  const begin = async () => {
    await model.open();
    model.start();
    await clock.pass(3000);
  };
  return {
    model,
    studio,
    tools,
    clock,
    use,
    takeBack,
    stayAwake,
    sleep,
    take,
    begin,
    events: () => events,
    hide: () => hide(),
    leave: () => leave(),
    comeBack: () => comeBack(),
  };
}

describe("recording live", () => {
  test("counts down from three and then records", async () => {
    const { model, studio, clock } = live();
    await model.open();

    model.start();

    expect([model.phase.value, model.count.value]).toEqual(["counting", 3]);
    await clock.pass(2000);
    expect(model.count.value).toBe(1);
    expect(studio.record).not.toHaveBeenCalled();
    await clock.pass(1000);
    expect(model.phase.value).toBe("recording");
  });

  test("the screen stays on from the countdown to the end of the film, and no longer", async () => {
    const { model, stayAwake, sleep, clock } = live();
    await model.open();
    expect(stayAwake).not.toHaveBeenCalled();

    model.start();
    await clock.pass(4000);
    expect([stayAwake.mock.calls.length, sleep.mock.calls.length]).toEqual([1, 0]);
    model.stop();
    await settle();

    expect(model.phase.value).toBe("review");
    expect([stayAwake.mock.calls.length, sleep.mock.calls.length]).toEqual([1, 1]);
  });

  test("a countdown can be stopped", async () => {
    const { model, studio, clock } = live();
    await model.open();
    model.start();

    model.cancelCountdown();
    await clock.pass(5000);

    expect(model.phase.value).toBe("ready");
    expect(studio.record).not.toHaveBeenCalled();
  });

  test.each([
    ["is stopped", ({ model }: ReturnType<typeof live>) => model.cancelCountdown(), "ready"],
    ["sees the page hidden", ({ hide }: ReturnType<typeof live>) => hide(), "ready"],
    ["sees the document left", ({ leave }: ReturnType<typeof live>) => leave(), "opening"],
    ["loses the camera", ({ events }: ReturnType<typeof live>) => events().ended(problem("lost")), "failed"],
    ["sees the screen closed", ({ model }: ReturnType<typeof live>) => model.close(), "counting"],
  ] as const)(
    "a countdown that %s while the film is being prepared records nothing",
    async (_why, end, then) => {
      const prepared = deferred<boolean>();
      const record = vi.fn((_options: { signal: AbortSignal }) => prepared.promise);
      const screen = live({ studio: { record } });
      await screen.begin();

      end(screen);
      prepared.resolve(true);
      await settle();

      expect(record.mock.calls[0]![0].signal.aborted).toBe(true);
      expect(screen.model.phase.value).toBe(then);
    },
  );

  test("a countdown that was stopped and begun anew goes on with the new one only", async () => {
    const first = deferred<boolean>();
    const record = vi.fn(() => Promise.resolve(true)).mockReturnValueOnce(first.promise);
    const { model, clock, begin } = live({ studio: { record } });
    await begin();
    model.cancelCountdown();
    model.start();

    first.reject(problem("no_encoder"));
    await settle();
    expect(model.phase.value).toBe("counting");
    await clock.pass(3000);

    expect(model.phase.value).toBe("recording");
  });

  test("a countdown ends when the page is hidden", async () => {
    const { model, studio, clock, hide } = live();
    await model.open();
    model.start();

    hide();
    await clock.pass(5000);

    expect(model.phase.value).toBe("ready");
    expect(studio.record).not.toHaveBeenCalled();
  });

  test("a film that cannot be begun is a failure", async () => {
    const { model, begin } = live({ studio: { record: () => Promise.reject(problem("no_encoder")) } });

    await begin();

    expect(model.phase.value).toBe("failed");
    expect(model.problem.value).toMatchObject({ code: "no_encoder" });
  });

  test("ends by itself when a clip may not be longer", async () => {
    const { model, clock, begin } = live({ most: 5 });
    await begin();

    await clock.pass(5100);

    expect([model.phase.value, model.notice.value]).toEqual(["review", "at_limit"]);
  });

  test("tells the studio how long it may be", async () => {
    const { studio, begin } = live({ most: 5 });

    await begin();

    expect(studio.record).toHaveBeenCalledWith(expect.objectContaining({ most: 5 }));
  });

  test("never lasts longer than a minute, whatever the server allows", () => {
    expect(live({ most: 600 }).model.secondsMost.value).toBe(60);
  });

  test("pauses and says so when the page is hidden", async () => {
    const { model, studio, begin, hide } = live();
    await begin();

    hide();

    expect([model.phase.value, model.notice.value]).toEqual(["paused", "paused_hidden"]);
    expect(studio.pause).toHaveBeenCalled();
    model.resume();
    expect(model.phase.value).toBe("recording");
  });

  test("a document that is left gives the camera back, and opens it when it is shown again", async () => {
    const { model, studio, leave, comeBack } = live();
    await model.open();
    studio.close.mockClear();

    leave();

    expect([studio.close.mock.calls.length, model.phase.value]).toEqual([1, "opening"]);
    comeBack();
    await settle();
    expect([studio.openCamera.mock.calls.length, model.phase.value]).toEqual([2, "ready"]);
  });

  test("left while the camera is being opened, that is no failure", async () => {
    const lost: { reject: (reason: unknown) => void }[] = [];
    const { model, leave, comeBack } = live({
      studio: {
        openCamera: vi
          .fn()
          .mockImplementationOnce(() => new Promise((_resolve, reject) => lost.push({ reject })))
          .mockResolvedValue(shotOf("user")),
      },
    });
    void model.open();
    await settle();

    leave();
    lost[0]!.reject(problem("painter_closed"));
    await settle();

    expect(model.phase.value).toBe("opening");
    comeBack();
    await settle();
    expect(model.phase.value).toBe("ready");
  });

  test("what was left behind does not close what was opened since", async () => {
    const { model, studio, tools, leave, comeBack } = live();
    let reject = (_reason: unknown) => {};
    const lost = { ...studio, openCamera: () => new Promise((_resolve, no) => (reject = no)) };
    tools.studio = vi.fn(() => studio as never).mockReturnValueOnce(lost as never);
    void model.open();
    await settle();
    leave();
    comeBack();
    await settle();
    studio.close.mockClear();

    reject(problem("painter_closed"));
    await settle();

    expect([model.phase.value, studio.close.mock.calls.length]).toEqual(["ready", 0]);
  });

  test("a film that was made is still there when the document is shown again, and another can be made", async () => {
    const { model, studio, begin, leave, comeBack } = live();
    await begin();
    await model.stop();

    leave();
    comeBack();

    expect(model.phase.value).toBe("review");
    await model.retake();
    expect([model.phase.value, studio.openCamera.mock.calls.length]).toEqual(["ready", 2]);
  });

  test("when the camera goes while recording, what there is becomes a film", async () => {
    const { model, begin, events } = live();
    await begin();

    events().ended(problem("camera_lost"));
    await settle();

    expect(model.phase.value).toBe("review");
    expect(model.notice.value).toMatchObject({ code: "camera_lost" });
  });

  test.each(["while the film is being finished", "while it is looked at"])(
    "when the camera goes %s, the film stays, and the next one has a studio of its own",
    async (when) => {
      const ending = deferred<object>();
      const { model, studio, begin, events, take } = live({ studio: { stop: () => ending.promise } });
      await begin();
      const stopping = model.stop();

      if (when === "while the film is being finished") events().ended(problem("camera_lost"));
      ending.resolve(take);
      await stopping;
      if (when === "while it is looked at") events().ended(problem("camera_lost"));

      expect([model.phase.value, model.take.value?.take]).toEqual(["review", take]);
      await model.retake();
      expect([model.phase.value, studio.openPainter.mock.calls.length]).toEqual(["ready", 2]);
    },
  );

  test("while a film is looked at the camera is closed; another film opens the same one", async () => {
    const { model, studio, tools, clock } = live();
    await model.open();
    await model.flip();
    model.start();
    await clock.pass(3000);

    await model.stop();
    expect(studio.closeCamera).toHaveBeenCalledTimes(1);
    await model.retake();

    expect(studio.openCamera.mock.calls.map(([wish]) => wish)).toEqual([
      "user",
      "environment",
      "environment",
    ]);
    expect([model.phase.value, studio.openPainter.mock.calls.length]).toEqual(["ready", 1]);
    expect(tools.forget).toHaveBeenCalledExactlyOnceWith("film");
  });

  test("a camera that does not open for another film is a failure to be tried again", async () => {
    const openCamera = vi
      .fn()
      .mockResolvedValueOnce(shotOf("user"))
      .mockRejectedValueOnce(problem("camera_busy"));
    const { model, begin } = live({ studio: { openCamera } });
    openCamera.mockResolvedValue(shotOf("user"));
    await begin();
    await model.stop();

    await model.retake();
    expect([model.phase.value, model.problem.value?.code]).toEqual(["failed", "camera_busy"]);
    await model.open();

    expect(model.phase.value).toBe("ready");
  });

  test("when the camera goes before, that is a failure to be tried again", async () => {
    const { model, studio, events } = live();
    await model.open();

    events().ended(problem("camera_lost"));
    expect(model.phase.value).toBe("failed");

    await model.open();
    expect(model.phase.value).toBe("ready");
    expect(studio.close).toHaveBeenCalled();
  });

  describe("a failure", () => {
    const entry = { id: "found", startedAt: 0, types: {} };
    const tools = { unfinished: () => Promise.resolve([entry]) };

    test.each(["before it records", "as it begins to record", "as it ends"])(
      "%s closes camera and microphone, and what waits from before can be looked at",
      async (when) => {
        const begins = when === "as it begins to record";
        const failing = { stop: () => Promise.reject(problem("encoder_failed")) };
        const record = { record: () => Promise.reject(problem("no_encoder")) };
        const { model, studio, begin, events } = live({ studio: begins ? record : failing, tools });

        await (when === "before it records" ? model.open() : begin());
        if (when === "before it records") events().ended(problem("painter_lost"));
        if (when === "as it ends") await model.stop();
        await settle();

        expect([model.phase.value, model.found.value]).toEqual(["failed", entry]);
        expect(studio.close).toHaveBeenCalledTimes(1);
      },
    );

    test("while it opens is the one that is told, not what comes of its end", async () => {
      const opened = deferred<never>();
      const { model, studio, events } = live({ studio: { openPainter: () => opened.promise }, tools });
      studio.close.mockImplementation(() => opened.reject(problem("painter_closed")));
      const opening = model.open();
      await settle();

      events().ended(problem("camera_lost"));
      await opening;
      await settle();

      expect([model.phase.value, model.problem.value?.code]).toEqual(["failed", "camera_lost"]);
      expect(model.found.value).toEqual(entry);
      expect(studio.close).toHaveBeenCalledTimes(1);
    });
  });

  test("a refused camera is let go, and said", async () => {
    const { model, studio } = live({
      studio: { openCamera: () => Promise.reject(problem("camera_denied")) },
    });

    await model.open();

    expect(model.phase.value).toBe("failed");
    expect(model.problem.value).toMatchObject({ code: "camera_denied" });
    expect(studio.close).toHaveBeenCalled();
  });

  test("styles that cannot be read are a failure to be tried again, not an opening without end", async () => {
    const presets = vi
      .fn()
      .mockRejectedValueOnce(problem("offline"))
      .mockResolvedValue([liveStyle("wave")]);
    const { model, studio } = live({ tools: { shelf: () => ({ ...shelfOf(), presets }) } });

    await model.open();
    expect([model.phase.value, model.problem.value?.code]).toEqual(["failed", "offline"]);
    await model.open();

    expect([model.phase.value, model.styles.chosen.value]).toEqual(["ready", "wave"]);
    expect(studio.choose).toHaveBeenCalledTimes(1);
  });

  test("waits for a painting only where there is something to paint with", async () => {
    const bare = live({ tools: { shelf: () => shelfOf() } });
    await bare.model.open();
    expect([bare.model.phase.value, bare.model.waitsFor.value]).toEqual(["ready", null]);

    const refused = live({ studio: { choose: () => Promise.reject(problem("painter_failed")) } });
    await refused.model.open();
    expect([refused.model.phase.value, refused.model.waitsFor.value]).toEqual(["ready", null]);

    const { model, events } = live();
    await model.open();
    events().seen();
    expect(model.waitsFor.value).toBe("painter");
    events().painted({ framesPerSecond: 1, short: 160 });
    expect(model.waitsFor.value).toBeNull();
  });

  test("says what it waits for: first the camera, then the painter, at last the film", async () => {
    const painter = deferred<{ backend: "wasm"; threads: number; model: ReturnType<typeof modelOf> }>();
    const film = deferred<null>();
    const { model, events, clock } = live({
      studio: { openPainter: () => painter.promise, stop: () => film.promise },
    });

    const opening = model.open();
    await settle();
    expect(model.waitsFor.value).toBe("camera");
    events().seen();
    expect(model.waitsFor.value).toBe("painter");
    painter.resolve({ backend: "wasm", threads: 1, model: modelOf("impasto-v1") });
    await opening;
    events().painted({ framesPerSecond: 1, short: 160 });
    model.start();
    await clock.pass(3000);
    void model.stop();

    expect(model.waitsFor.value).toBe("film");
  });

  test("waits for the camera again where it is changed", async () => {
    const { model, studio, events } = live();
    await model.open();
    events().seen();
    studio.openCamera.mockReturnValueOnce(new Promise(() => undefined));

    void model.flip();
    await settle();

    expect(model.waitsFor.value).toBe("camera");
  });

  test("a full disk is said while it goes on", async () => {
    const { model, begin, events } = live();
    await begin();

    events().notice(problem("disk_full"));

    expect(model.phase.value).toBe("recording");
    expect(model.notice.value).toMatchObject({ code: "disk_full" });
  });

  test("a microphone that falls silent is said, and it goes on", async () => {
    const { model, begin, events } = live();
    await begin();

    events().silent();

    expect([model.phase.value, model.notice.value, model.shot.value?.sound]).toEqual([
      "recording",
      "no_sound",
      false,
    ]);
  });

  test("a microphone that is heard after all is said to be, and nothing else that was said goes away", async () => {
    const { model, events } = live();
    await model.open();
    events().silent();

    events().heard();

    expect([model.notice.value, model.shot.value?.sound]).toEqual([null, true]);
    events().silent();
    events().notice(problem("disk_full"));
    events().heard();
    expect(model.notice.value).toMatchObject({ code: "disk_full" });
  });

  test("pauses and says so when a call takes the microphone", async () => {
    const { model, studio, begin, events } = live();
    await begin();

    events().interrupted();

    expect([model.phase.value, model.notice.value]).toEqual(["paused", "interrupted"]);
    expect(studio.pause).toHaveBeenCalled();
    model.resume();
    expect(model.phase.value).toBe("recording");
  });

  test("a microphone that fails while the camera is being opened is said too", async () => {
    const { model, studio, events } = live();
    studio.openCamera.mockImplementation((wish) => {
      events().silent();
      return Promise.resolve(shotOf(wish));
    });

    await model.open();

    expect([model.notice.value, model.shot.value?.sound]).toEqual(["no_sound", false]);
  });

  test("an encoder that gives up leaves what was written to be found", async () => {
    const entry = { id: "film", startedAt: 0, types: {} };
    const { model, begin } = live({
      studio: { stop: () => Promise.reject(problem("encoder_failed")) },
      tools: { unfinished: () => Promise.resolve([entry]) },
    });
    await begin();

    await model.stop();

    expect(model.phase.value).toBe("failed");
    expect(model.found.value).toEqual(entry);
  });

  test("the front camera is recorded as a mirror unless told otherwise", async () => {
    const { model, studio } = live();
    await model.open();
    expect(studio.mirror).toHaveBeenLastCalledWith(true);
    expect(model.mirrorView.value).toBe(false);

    model.setMirrorFilm(false);
    expect(studio.mirror).toHaveBeenLastCalledWith(false);
    expect(model.mirrorView.value).toBe(true);

    await model.flip();
    expect(model.mirrorView.value).toBe(false);
  });

  test("a flip opens the other camera, and again the one before", async () => {
    const { model, studio } = live();
    await model.open();

    await model.flip();
    await model.flip();

    expect(studio.openCamera.mock.calls.map(([wish]) => wish)).toEqual(["user", "environment", "user"]);
    expect(model.phase.value).toBe("ready");
  });

  test("where there is one camera nothing is flipped", async () => {
    const openCamera = vi.fn(() => Promise.resolve({ ...shotOf("user"), other: null }));
    const { model } = live({ studio: { openCamera } });
    await model.open();

    await model.flip();

    expect(openCamera).toHaveBeenCalledTimes(1);
  });

  test("while one camera is being opened no other is, and nothing is recorded", async () => {
    const opening = deferred<ReturnType<typeof shotOf>>();
    const openCamera = vi.fn().mockResolvedValueOnce(shotOf("user")).mockReturnValue(opening.promise);
    const { model } = live({ studio: { openCamera } });
    await model.open();

    const flipping = model.flip();
    await model.flip();
    model.start();
    expect([openCamera.mock.calls.length, model.phase.value]).toEqual([2, "opening"]);
    opening.resolve(shotOf("environment"));
    await flipping;

    expect([model.phase.value, model.shot.value?.facing]).toEqual(["ready", "environment"]);
  });

  test("a camera that does not open leaves the one before", async () => {
    const openCamera = vi.fn((wish: string) =>
      wish === "user" ? Promise.resolve(shotOf(wish)) : Promise.reject(problem("camera_busy")),
    );
    const { model } = live({ studio: { openCamera } });
    await model.open();

    await model.flip();

    expect(openCamera.mock.calls.map(([wish]) => wish)).toEqual(["user", "environment", "user"]);
    expect([model.phase.value, model.shot.value?.facing]).toEqual(["ready", "user"]);
    expect(model.notice.value).toMatchObject({ code: "camera_busy" });
  });

  test("where the one before does not open either, that is a failure", async () => {
    const openCamera = vi.fn().mockResolvedValueOnce(shotOf("user")).mockRejectedValue(problem("no_camera"));
    const { model, studio } = live({ studio: { openCamera } });
    await model.open();

    await model.flip();

    expect(model.phase.value).toBe("failed");
    expect(model.problem.value).toMatchObject({ code: "no_camera" });
    expect(studio.close).toHaveBeenCalled();
  });

  test("a document that is left while the camera changes opens none and fails nothing", async () => {
    const opening = deferred<never>();
    const openCamera = vi.fn().mockResolvedValueOnce(shotOf("user")).mockReturnValue(opening.promise);
    const { model, leave } = live({ studio: { openCamera } });
    await model.open();
    const flipping = model.flip();

    leave();
    opening.reject(problem("camera_busy"));
    await flipping;

    expect([openCamera.mock.calls.length, model.phase.value]).toEqual([2, "opening"]);
  });

  test("the camera's own film is offered only where the browser writes two", async () => {
    const { model } = live({ studio: { canKeepRaw: () => Promise.resolve(false) } });
    await model.open();

    model.setKeepRaw(true);

    expect([model.canKeepRaw.value, model.keepRaw.value]).toEqual([false, false]);
  });

  test("a camera whose film cannot be written beside its painting is recorded without", async () => {
    const canKeepRaw = vi
      .fn()
      .mockResolvedValueOnce(true)
      .mockResolvedValueOnce(false)
      .mockResolvedValue(true);
    const { model, studio, clock } = live({ studio: { canKeepRaw } });
    await model.open();
    model.setKeepRaw(true);

    await model.flip();
    model.start();
    await clock.pass(3000);

    expect(studio.record).toHaveBeenCalledWith(expect.objectContaining({ raw: false }));
  });

  test("options stand still while it records", async () => {
    const { model, studio, begin } = live();
    await begin();
    studio.openCamera.mockClear();

    model.setKeepRaw(true);
    model.setMirrorFilm(false);
    await model.flip();

    expect([model.keepRaw.value, model.mirrorFilm.value]).toEqual([false, true]);
    expect(studio.openCamera).not.toHaveBeenCalled();
  });

  test.each([
    ["painted", "p.mp4", null],
    ["raw", "r.mp4", "wave"],
  ] as const)(
    "the %s film goes to the uploads, and is let go once it is a clip",
    async (kind, name, style) => {
      const { model, tools, use, begin } = live();
      await begin();
      await model.stop();

      model.use(kind);

      expect(use).toHaveBeenCalledWith(expect.objectContaining({ name }), kind, expect.any(Function), style);
      expect(tools.forget).not.toHaveBeenCalled();
      use.mock.calls[0]![2](true);
      expect(tools.forget).toHaveBeenCalledWith("film");
    },
  );

  test("the easel knows nothing of a picture of one's own", async () => {
    const { model, use, begin } = live({ studio: { embed: () => Promise.resolve(Float32Array.of(9)) } });
    await begin();
    await model.styles.addPicture(new File(["x"], "cat.png"));
    await model.stop();

    model.use("raw");

    expect(use.mock.calls[0]![3]).toBeNull();
  });

  test("a film that is refused after one has gone elsewhere is left to be found", async () => {
    const { model, tools, use, begin } = live();
    await begin();
    await model.stop();
    model.use("painted");
    model.close();

    use.mock.calls[0]![2](false);

    expect(tools.forget).not.toHaveBeenCalled();
    expect(tools.release).toHaveBeenCalledWith("film");
  });

  test("a film that is refused while it is looked at stays this tab's until one goes", async () => {
    const { model, tools, use, begin } = live();
    await begin();
    await model.stop();
    model.use("painted");

    use.mock.calls[0]![2](false);
    expect(tools.release).not.toHaveBeenCalled();
    model.close();

    expect(tools.release).toHaveBeenCalledExactlyOnceWith("film");
    expect(tools.forget).not.toHaveBeenCalled();
  });

  test("a film that cannot be uploaded yet stays", async () => {
    const { model, tools, begin } = live({ use: () => false });
    await begin();
    await model.stop();

    model.use("painted");

    expect(tools.forget).not.toHaveBeenCalled();
    expect(model.phase.value).toBe("review");
    // Whoever has to log in first finds it again.
    model.close();
    expect(tools.release).toHaveBeenCalledWith("film");
  });

  test("a film that waits for a network stays this tab's when one goes elsewhere", async () => {
    const { model, tools, begin } = live({ use: () => true });
    await begin();
    await model.stop();

    model.use("painted");
    model.close();

    expect(tools.release).not.toHaveBeenCalled();
  });

  test("a film that waits for a network and is thrown away is taken back", async () => {
    const { model, takeBack, begin, take } = live();
    await begin();
    await model.stop();
    model.use("raw");

    await model.retake();

    expect(takeBack).toHaveBeenCalledExactlyOnceWith(take.raw);
  });

  test("a film that is ready only after one has gone is left to be found", async () => {
    const ending = deferred<unknown>();
    const { model, tools, begin, take } = live({ studio: { stop: () => ending.promise } });
    await begin();
    const stopping = model.stop();

    model.close();
    ending.resolve(take);
    await stopping;

    expect(tools.release).toHaveBeenCalledWith("film");
    expect(model.take.value).toBeNull();
  });

  test.each(["lookAtFound", "dropFound"] as const)(
    "what another tab has taken since it was found is left to that: %s",
    async (verb) => {
      const entry = { id: "film", startedAt: 0, types: { painted: "video/mp4" } };
      const unfinished = vi.fn().mockResolvedValueOnce([entry]).mockResolvedValue([]);
      const { model, tools } = live({ tools: { unfinished, claim: () => Promise.resolve(false) } });
      await model.open();

      await model[verb]();

      expect(tools.recover).not.toHaveBeenCalled();
      expect(tools.forget).not.toHaveBeenCalled();
      expect([model.notice.value, model.found.value]).toEqual(["open_elsewhere", null]);
    },
  );

  test("what a reload cut off can be looked at, or thrown away", async () => {
    const entry = { id: "film", startedAt: 0, types: { painted: "video/mp4" } };
    const tools = { unfinished: () => Promise.resolve([entry]) };
    const looked = live({ tools });
    await looked.model.open();
    await looked.model.lookAtFound();
    expect(looked.model.phase.value).toBe("review");

    const dropped = live({ tools });
    await dropped.model.open();
    await dropped.model.dropFound();
    expect(dropped.tools.forget).toHaveBeenCalledWith("film");
    expect(dropped.model.found.value).toBeNull();
  });

  describe("what was found", () => {
    const entry = { id: "found", startedAt: 0, types: { painted: "video/mp4" } };
    const unfinished = () => Promise.resolve([entry]);

    test.each(["lookAtFound", "dropFound"] as const)("is left alone while one records: %s", async (verb) => {
      const { model, tools, begin } = live({ tools: { unfinished } });
      await begin();
      expect(model.canTakeFound.value).toBe(false);

      await model[verb]();

      expect(tools.claim).not.toHaveBeenCalled();
      expect([model.phase.value, model.found.value]).toEqual(["recording", entry]);
    });

    test.each(["claim", "recover"] as const)(
      "is put back where one began to record during its %s",
      async (step) => {
        const answer = deferred<unknown>();
        const { model, tools, take } = live({ tools: { unfinished, [step]: vi.fn(() => answer.promise) } });
        await model.open();
        const looking = model.lookAtFound();
        await settle();

        model.start();
        answer.resolve(step === "claim" ? true : { ...take, id: "found" });
        await looking;

        expect([model.phase.value, model.take.value, model.found.value]).toEqual(["counting", null, entry]);
        expect(tools.release).toHaveBeenCalledWith("found");
        expect(tools.forget).not.toHaveBeenCalled();
      },
    );

    test("is put back where the store cannot be read, and says so", async () => {
      const recover = () => Promise.reject(problem("no_store"));
      const { model, tools } = live({ tools: { unfinished, recover } });
      await model.open();

      await model.lookAtFound();

      expect(model.notice.value).toMatchObject({ code: "no_store" });
      expect(tools.release).toHaveBeenCalledWith("found");
      expect(model.found.value).toEqual(entry);
    });

    test("is offered where no camera opens, and stays so until it is looked at", async () => {
      const openCamera = vi.fn(() => Promise.reject(problem("camera_denied")));
      const { model } = live({ studio: { openCamera }, tools: { unfinished } });

      await model.open();
      expect([model.phase.value, model.found.value]).toEqual(["failed", entry]);
      expect(model.canTakeFound.value).toBe(true);
      await model.lookAtFound();

      expect(model.phase.value).toBe("review");
    });

    test("can be looked at where the camera is gone", async () => {
      const { model, events } = live({ tools: { unfinished } });
      await model.open();
      events().ended(problem("camera_lost"));

      await model.lookAtFound();

      expect(model.phase.value).toBe("review");
    });
  });

  test("what a reload left nothing of is let go quietly", async () => {
    const entry = { id: "film", startedAt: 0, types: {} };
    const { model, tools } = live({
      tools: { unfinished: () => Promise.resolve([entry]), recover: () => Promise.resolve(null) },
    });
    await model.open();

    await model.lookAtFound();

    expect(model.phase.value).toBe("ready");
    expect(tools.forget).toHaveBeenCalledWith("film");
  });
});

describe("painting a local film", () => {
  function local(
    restyleFile: (...call: never[]) => Promise<unknown>,
    {
      lengthOf = () => Promise.resolve(12),
      made = signal<Made | null>(null),
      shelf = (): Shelf => shelfOf("wave"),
      most = 60 as number | null,
    } = {},
  ) {
    const clock = new Clock();
    const painter = {
      open: () => Promise.resolve({ model: modelOf("impasto-v1") }),
      choose: vi.fn(() => Promise.resolve(null)),
      embed: () => Promise.resolve(Float32Array.of(2)),
      close: vi.fn(),
    };
    const use = vi.fn<LivePorts["use"]>(() => false);
    const takeBack = vi.fn<LivePorts["takeBack"]>();
    const holding = new Set<string>();
    const held = (what: string) => () => {
      holding.add(what);
      return () => void holding.delete(what);
    };
    const openPainter = vi.fn(() => painter);
    const pictureOf = () => Promise.resolve({});
    const tools = { shelf, painter: openPainter, lengthOf, restyleFile, pictureOf };
    const model = new LocalRestyle(
      {
        live: () => Promise.resolve(tools as unknown as LiveTools),
        pictures: { open: () => "blob:film", close: vi.fn() },
        use,
        takeBack,
        secondsMost: () => most,
        now: () => clock.time,
        made,
        stayAwake: held("awake"),
        askBeforeLeaving: held("asking"),
      },
      null,
    );
    return { model, holding, painter, openPainter, use, takeBack, clock, made };
  }
  const film = new File(["f"], "film.mp4");
  const painted = new File(["p"], "film-painted.mp4");

  test("needs a film", async () => {
    const { model } = local(() => Promise.reject(new Error("not to be called")));
    await model.open();

    expect(model.canPaint.value).toBe(false);
    await model.choose(film);
    expect([model.canPaint.value, model.filmSeconds.value]).toEqual([true, 12]);
  });

  test("says how far it is and how long it will take, and gives a film that is published only when asked", async () => {
    const done = deferred<unknown>();
    let report = (_share: number) => {};
    const { model, use, clock } = local((...call) => {
      report = (call[2] as unknown as { onProgress: (share: number) => void }).onProgress;
      return done.promise;
    });
    await model.open();
    await model.choose(film);

    const painting = model.paint();
    expect(model.secondsLeft.value).toBeNull();
    clock.time = 10_000;
    report(0.25);
    expect(model.secondsLeft.value).toBeCloseTo(30);
    done.resolve({ film: painted, soundLost: true });
    await painting;

    expect(model.done.value).toMatchObject({ film: painted, soundLost: true });
    expect(use).not.toHaveBeenCalled();
    model.publish();
    expect(use).toHaveBeenCalledWith(painted, "painted", expect.any(Function));
  });

  test("keeps the screen on and asks before the page is left, while it paints", async () => {
    const done = deferred<unknown>();
    const { model, holding } = local(() => done.promise);
    await model.open();
    await model.choose(film);
    expect([...holding]).toEqual([]);

    const painting = model.paint();
    expect([...holding]).toEqual(["awake", "asking"]);
    done.resolve({ film: painted, soundLost: false });
    await painting;

    expect([...holding]).toEqual([]);
  });

  test("a cancelled painting is no failure", async () => {
    const { model, holding } = local(
      (...call) =>
        new Promise((_resolve, reject) => {
          const { signal } = call[2] as unknown as { signal: AbortSignal };
          signal.addEventListener("abort", () => reject(problem("cancelled")));
        }),
    );
    await model.open();
    await model.choose(film);
    const painting = model.paint();

    model.cancel();
    await painting;

    expect([model.phase.value, model.problem.value]).toEqual(["choosing", null]);
    expect([...holding]).toEqual([]);
  });

  test.each(["not_a_film", "cannot_decode"])("%s is said beside the film", async (code) => {
    const { model } = local(() => Promise.reject(problem(code)));
    await model.open();
    await model.choose(film);

    await model.paint();

    expect(model.phase.value).toBe("choosing");
    expect(model.problem.value).toMatchObject({ code });
  });

  test.each(["painter_lost", "painter_failed"])("%s: trying again opens another painter", async (code) => {
    const restyle = vi.fn().mockRejectedValueOnce(problem(code));
    const { model, openPainter, painter } = local(restyle);
    await model.open();
    await model.choose(film);

    await model.paint();
    expect([model.phase.value, model.problem.value?.code]).toEqual(["failed", code]);
    await model.open();

    expect([model.canPaint.value, model.problem.value]).toEqual([true, null]);
    expect(openPainter).toHaveBeenCalledTimes(2);
    expect(painter.close).toHaveBeenCalledTimes(1);
  });

  test.each([
    ["of a minute and a few frames can be published", 60, 60.4, false],
    ["of more than a clip may be is only painted and downloaded", 60, 61, true],
    ["is measured by what this site allows", 90, 80, false],
    ["of more than a minute is only painted while nobody knows what the site allows", null, 80, true],
  ])("a film %s", async (_what, most, seconds, only) => {
    const restyle = () => Promise.resolve({ film: painted, soundLost: false });
    const { model, use } = local(restyle, { most, lengthOf: () => Promise.resolve(seconds) });
    await model.open();

    await model.choose(film);
    expect([model.onlyHere.value, model.canPaint.value]).toEqual([only, true]);
    await model.paint();
    model.publish();

    expect(use.mock.calls.length > 0).toBe(!only);
    expect(model.phase.value).toBe("done");
  });

  test("a film that memory has no room for is refused before it is painted", async () => {
    const lengthOf = () => Promise.resolve(HERE_SECONDS_MOST + 1);
    const { model } = local(() => Promise.reject(new Error("not to be called")), { lengthOf });
    await model.open();

    await model.choose(film);

    expect([model.problem.value?.code, model.file.value]).toEqual(["too_long_here", null]);
    expect([model.phase.value, model.canPaint.value]).toEqual(["choosing", false]);
  });

  describe("without styles at first", () => {
    function without() {
      const presets = shelfOf("wave").presets.mockRejectedValueOnce(problem("offline"));
      return local(() => Promise.reject(new Error("not to be called")), {
        shelf: () => ({ ...shelfOf(), presets }),
      });
    }

    test("says so, and has them when they are asked for again", async () => {
      const { model, painter } = without();
      await model.open();
      await model.choose(film);
      expect([model.canPaint.value, model.styles.problem.value?.code]).toEqual([false, "offline"]);

      await model.loadStyles();

      expect([model.canPaint.value, model.styles.problem.value]).toEqual([true, null]);
      expect(painter.choose).toHaveBeenCalledTimes(1);
    });

    test("a picture of one's own that was chosen meanwhile stays chosen", async () => {
      const { model } = without();
      await model.open();
      await model.styles.addPicture(new File([], "own.png"));
      const own = model.styles.chosen.value;

      await model.loadStyles();

      expect([model.styles.chosen.value, model.styles.presets.value.length]).toEqual([own, 1]);
    });

    test("a cache that fails is said", async () => {
      const paintWith = vi.fn(() => Promise.resolve());
      const { model } = local(() => Promise.reject(new Error("not to be called")), {
        shelf: () => ({ ...shelfOf(), paintWith }),
      });
      await model.open();
      paintWith.mockRejectedValueOnce(problem("no_style"));

      await model.loadStyles();

      expect([model.phase.value, model.problem.value?.code]).toEqual(["choosing", "no_style"]);
    });
  });

  test("a film whose length is still being read when painting begins is not the one that is painted", async () => {
    const late = deferred<number>();
    const lengthOf = vi.fn(() => Promise.resolve(12));
    const restyleFile = vi.fn(() => Promise.resolve({ film: painted, soundLost: false }));
    const { model, made } = local(restyleFile, { lengthOf });
    await model.open();
    await model.choose(film);
    lengthOf.mockImplementationOnce(() => late.promise);
    const choosing = model.choose(new File(["n"], "next.mp4"));

    const painting = model.paint();
    late.resolve(50);
    await Promise.all([choosing, painting]);

    expect([model.file.value, made.value?.seconds]).toEqual([film, 12]);
  });

  test("of two films that are chosen one after the other the last one counts, however long it takes", async () => {
    const first = deferred<number>();
    const lengthOf = vi.fn(() => Promise.resolve(8)).mockImplementationOnce(() => first.promise);
    const { model } = local(() => Promise.reject(new Error("not to be called")), { lengthOf });
    await model.open();
    const next = new File(["n"], "next.mp4");

    const choosing = model.choose(film);
    await model.choose(next);
    first.resolve(12);
    await choosing;

    expect([model.file.value, model.filmSeconds.value]).toEqual([next, 8]);
  });

  test("after a film the style is chosen anew: the painter was held to that film", async () => {
    const { model, painter } = local(() => Promise.resolve({ film: painted, soundLost: false }));
    await model.open();
    await model.choose(film);
    await model.paint();
    painter.choose.mockClear();

    model.again();
    await settle();

    expect(painter.choose).toHaveBeenCalledTimes(1);
  });

  describe("once it is painted", () => {
    const restyle = () => Promise.resolve({ film: painted, soundLost: true });
    const nothing = () => Promise.reject(new Error("not to be called"));
    async function paintedAndLeft(use: LivePorts["use"] = () => false) {
      const left = local(restyle);
      left.use.mockImplementation(use);
      await left.model.open();
      await left.model.choose(film);
      await left.model.paint();
      left.model.publish();
      left.model.close();
      return left.made;
    }

    test("is there again for whoever had to log in first", async () => {
      const made = await paintedAndLeft();

      const { model, use, openPainter } = local(nothing, { made });
      await model.open();

      expect([model.phase.value, openPainter.mock.calls]).toEqual(["done", []]);
      expect(model.done.value).toMatchObject({ film: painted, soundLost: true });
      model.publish();
      expect(use.mock.lastCall?.[0]).toBe(painted);
    });

    test("is safe once it was downloaded, and can still be used", async () => {
      const { model, made, use } = local(nothing, { made: await paintedAndLeft() });
      await model.open();
      expect(made.value?.saved).toBe(false);

      model.downloaded();
      model.publish();

      expect(made.value).toMatchObject({ film: painted, saved: true });
      expect(use).toHaveBeenCalledTimes(1);
    });

    async function handedOver() {
      let over: Over = () => undefined;
      const made = await paintedAndLeft((_film, _kind, listener) => {
        over = listener;
        return true;
      });
      return { made, over };
    }

    test("is let go once it is a clip", async () => {
      const { made, over } = await handedOver();
      expect(made.value).toMatchObject({ film: painted });

      over(true);

      expect(made.value).toBeNull();
    });

    test("cannot be used again by whoever looks at it while it becomes a clip", async () => {
      const { made, over } = await handedOver();
      const { model } = local(nothing, { made });
      await model.open();
      expect(model.done.value).toMatchObject({ film: painted });

      over(true);
      await settle();

      expect([model.phase.value, model.done.value]).toEqual(["choosing", null]);
    });

    test("is still there where its upload was refused", async () => {
      const { made, over } = await handedOver();

      over(false);

      expect(made.value).toMatchObject({ film: painted, saved: false });
    });

    test.each([true, false])(
      "that was handed over does not take the next one along (a clip: %s)",
      async (isClip) => {
        const { made, over } = await handedOver();
        const next = { film: new File(["n"], "next.mp4"), seconds: 1, soundLost: false, saved: true };
        made.value = next;

        over(isClip);

        expect(made.value).toBe(next);
      },
    );

    test("makes room for another, for which a painter is opened", async () => {
      const { model, made, openPainter, takeBack } = local(nothing, { made: await paintedAndLeft() });
      await model.open();

      model.again();
      await settle();

      expect(takeBack).toHaveBeenCalledExactlyOnceWith(painted);
      expect([model.phase.value, made.value]).toEqual(["choosing", null]);
      expect(openPainter).toHaveBeenCalledTimes(1);
    });
  });

  test("a screen that was left while it opened opens no painter", async () => {
    const { model, openPainter } = local(() => Promise.reject(new Error("not to be called")));
    const opening = model.open();

    model.close();
    await opening;

    expect(openPainter).not.toHaveBeenCalled();
  });
});

describe("measuring the speed", () => {
  const device = {
    cores: 2,
    sharesMemory: true,
    agent: "Browser 1",
    gpu: () => Promise.resolve("hardware" as const),
  };
  const measure = vi.fn(
    (candidate: { backend: string }, sizes: readonly number[], onSize: (m: object) => void) => {
      for (const short of sizes)
        onSize({
          short,
          painter: 10,
          whole: candidate.backend === "webgpu" ? 5 : 20,
          pixels: new Uint8ClampedArray(short * short).fill(candidate.backend === "webgpu" ? 101 : 100),
        });
      return Promise.resolve();
    },
  );
  const copyText = vi.fn((_text: string) => Promise.resolve());
  const tools = () => Promise.resolve({ measure } as unknown as LiveTools);

  test("every way of computing is measured at every size and written down", async () => {
    const speed = new Speed({ live: tools, device, copyText });

    await speed.measure();

    expect(speed.phase.value).toBe("done");
    expect(speed.rows.value.map(({ name, short }) => `${name} ${short}`)).toEqual([
      "WASM, 1 thread 256",
      "WASM, 1 thread 384",
      "WASM, 2 threads 256",
      "WASM, 2 threads 384",
      "WebGPU 256",
      "WebGPU 384",
    ]);
    expect(speed.text.value).toContain("WebGPU\t256×256\t10.0 ms\t5.0 ms\t200.0 frames/s\t48 dB");
    expect(speed.rows.value.map(({ agreement }) => agreement && Math.round(agreement))).toEqual([
      null,
      null,
      99,
      99,
      48,
      48,
    ]);
  });

  test("without isolation and a graphics card there is one way", async () => {
    const speed = new Speed({
      live: tools,
      copyText,
      device: { ...device, sharesMemory: false, gpu: () => Promise.resolve("none" as const) },
    });

    await speed.measure();

    expect(new Set(speed.rows.value.map(({ name }) => name))).toEqual(new Set(["WASM, 1 thread"]));
    expect(speed.text.value).toContain("no shared memory");
  });

  test("WebGPU without a graphics processor is measured under its own name", async () => {
    const speed = new Speed({
      live: tools,
      copyText,
      device: { ...device, gpu: () => Promise.resolve("software" as const) },
    });

    await speed.measure();

    expect(speed.rows.value.at(-1)!.name).toBe("WebGPU, without a graphics processor");
  });

  test("one way that fails leaves the others their numbers, and is named with its reason", async () => {
    const failing = (...call: Parameters<typeof measure>) =>
      call[0].backend === "webgpu" ? Promise.reject(problem("painter_failed")) : measure(...call);
    const live = () => Promise.resolve({ measure: failing } as unknown as LiveTools);
    const speed = new Speed({ live, device, copyText });

    await speed.measure();

    expect([speed.phase.value, speed.rows.value.length, speed.problem.value]).toEqual(["done", 4, null]);
    expect(speed.failures.value).toMatchObject([{ name: "WebGPU", problem: { code: "painter_failed" } }]);
    expect(speed.text.value).toContain("WebGPU\tpainter_failed");
  });

  test("where every way fails there is nothing to be copied", async () => {
    const failing = () => Promise.reject(problem("no_model"));
    const speed = new Speed({
      live: () => Promise.resolve({ measure: failing } as unknown as LiveTools),
      device,
      copyText,
    });

    await speed.measure();

    expect([speed.phase.value, speed.problem.value?.code]).toEqual(["failed", "no_model"]);
  });

  test("whoever leaves stops it: the painter is closed and no other is opened", async () => {
    const painter = new Painter({ postMessage: vi.fn(), terminate: vi.fn() } as unknown as WorkerPort, "");
    const close = vi.spyOn(painter, "close");
    const openPainter = vi.fn(() => painter);
    const bench = { now: () => 0, frame: vi.fn(), pixels: vi.fn() };
    const live = () =>
      Promise.resolve({
        measure: (candidate: Candidate, sizes: number[], onSize: () => void, signal: AbortSignal) =>
          measureOne(openPainter, candidate, sizes, { ...bench, signal }, onSize),
      } as unknown as LiveTools);
    const speed = new Speed({ live, device, copyText });
    const measuring = speed.measure();
    await settle();

    speed.close();
    await measuring;

    expect(close).toHaveBeenCalled();
    expect(openPainter).toHaveBeenCalledTimes(1);
    expect([speed.rows.value, speed.failures.value]).toEqual([[], []]);
  });

  test("the result is copied, until it is measured anew", async () => {
    const speed = new Speed({ live: tools, device, copyText });
    await speed.measure();

    expect(await speed.copy()).toBe(true);

    expect(copyText).toHaveBeenLastCalledWith(speed.text.value);
    expect(speed.copied.value).toBe("yes");
    await speed.measure();
    expect(speed.copied.value).toBe("no");
  });

  test("where the page may not copy it says so", async () => {
    copyText.mockRejectedValueOnce(new DOMException("", "NotAllowedError"));
    const speed = new Speed({ live: tools, device, copyText });
    await speed.measure();

    expect(await speed.copy()).toBe(false);

    expect(speed.copied.value).toBe("by_hand");
  });

  test("a painter that cannot be opened is said", async () => {
    const speed = new Speed({ live: () => Promise.reject(problem("no_model")), device, copyText });

    await speed.measure();

    expect(speed.phase.value).toBe("failed");
    expect(speed.problem.value).toMatchObject({ code: "no_model" });
  });
});
