import { afterEach, describe, expect, test, vi } from "vitest";

import type { Fetch } from "../src/model/painter/download";
import { Adaptation } from "../src/model/painter/adaptation";
import { filesOf, isOlder, type Manifest, ModelStore, readManifest } from "../src/model/painter/manifest";
import type { Network, Networks, Tensor } from "../src/model/painter/networks";
import { filmSize, toPlanes, toRgba, workingSize } from "../src/model/painter/pixels";
import { Painter, type Reply, type Request, type WorkerPort } from "../src/model/painter/protocol";
import { sharesMemory } from "../src/model/painter/memory";
import { firstThatWorks, openAll, threadsFor, waysFor } from "../src/model/painter/runtime";
import { ScenePainter } from "../src/model/painter/scene";
import { tryOut } from "../src/model/painter/trial";
import { affineOf, blend, pooled, Smoothed } from "../src/model/painter/style";

const withAdapter = (adapter: object | null) => ({ gpu: { requestAdapter: () => Promise.resolve(adapter) } });

describe("the way of computing", () => {
  test.each([
    ["a graphics processor", withAdapter({ info: { isFallbackAdapter: false } }), ["webgpu", "wasm"]],
    ["an adapter that does not say", withAdapter({}), ["webgpu", "wasm"]],
    ["an ordinary processor behind WebGPU", withAdapter({ info: { isFallbackAdapter: true } }), ["wasm"]],
    ["the same as older browsers say it", withAdapter({ isFallbackAdapter: true }), ["wasm"]],
    ["no adapter", withAdapter(null), ["wasm"]],
    ["an adapter that fails", { gpu: { requestAdapter: () => Promise.reject(new Error("lost")) } }, ["wasm"]],
    ["no WebGPU", {}, ["wasm"]],
  ])("with %s", async (_name, navigator, ways) => {
    expect(await waysFor("best", navigator)).toEqual(ways);
  });

  test("that is asked for is the one that is tried", async () => {
    expect(await waysFor("webgpu", {})).toEqual(["webgpu"]);
    expect(await waysFor("wasm", withAdapter({}))).toEqual(["wasm"]);
  });

  test("that fails gives way to the next, and the last one's fault is told", async () => {
    const attempt = (way: string) => (way === "good" ? Promise.resolve(way) : Promise.reject(new Error(way)));

    expect(await firstThatWorks(["bad", "good", "worse"], attempt)).toBe("good");
    await expect(firstThatWorks(["bad", "worse"], attempt)).rejects.toThrow("worse");
    await expect(firstThatWorks([], attempt)).rejects.toThrow(RangeError);
  });

  test("opens its networks one at a time: WebGPU refuses two at once", async () => {
    let open = 0;
    const bytes = { predictor: 1, readout: 2, transform: 3, "transform-locked": 4 };
    const runtime = {
      async open(given: Uint8Array) {
        if (++open > 1) throw new Error("another inference session is being created");
        await Promise.resolve();
        open--;
        return () => Promise.resolve({ [`from ${given.length}`]: { data: given as never, dims: [] } });
      },
    };

    const networks = await openAll(
      runtime,
      Object.fromEntries(Object.entries(bytes).map(([role, size]) => [role, new Uint8Array(size)])) as never,
    );

    for (const [role, size] of Object.entries(bytes))
      expect(await networks[role as keyof Networks]({})).toHaveProperty(`from ${size}`);
  });

  test.each([
    ["what came in", (frame: Float32Array) => frame, true],
    ["nothing", (frame: Float32Array) => frame.map(() => 0.5), false],
    [
      "what is no number",
      (frame: Float32Array) => frame.map((value, at) => (at === 9 ? Number.NaN : value)),
      false,
    ],
    ["noise", (frame: Float32Array) => frame.map((value) => value * 1e6), false],
  ])("that paints %s is tried out before it is used", async (_name, painting, works) => {
    const networks: Networks = {
      predictor: () => Promise.resolve({ embedding: { data: vector(0, 0), dims: [1, 2] } }),
      readout: () => Promise.resolve({ style: { data: vector(0, 0), dims: [1, 2] } }),
      transform: () => Promise.resolve({ statistics: { data: vector(0, 1), dims: [1, 2] } }),
      "transform-locked": ({ frame }) =>
        Promise.resolve({ painting: { data: painting(frame!.data), dims: frame!.dims } }),
    };
    const trial = tryOut(networks, { norm_widths: [1], picture_size: 8, embedding_size: 2 });

    await (works ? expect(trial).resolves.toBeUndefined() : expect(trial).rejects.toThrow("do not paint"));
  });
});

const vector = (...values: number[]) => Float32Array.from(values);

describe("the arithmetic of style", () => {
  test("strength goes from the picture as it is to the mix, and past it half as fast", () => {
    const styles = [
      { embedding: vector(4, 0), weight: 3 },
      { embedding: vector(0, 4), weight: 1 },
    ];

    expect([...blend(vector(1, 1), styles, 0)]).toEqual([1, 1]);
    expect([...blend(vector(1, 1), styles, 1)]).toEqual([3, 1]);
    expect([...blend(vector(1, 1), styles, 1.5)]).toEqual([3.5, 1]);
  });

  test.each([
    [-0.1, 1],
    [1.6, 1],
    [Number.NaN, 1],
    [1, 0],
    [1, -1],
  ])("strength %s with weight %s is refused", (strength, weight) => {
    expect(() => blend(vector(0), [{ embedding: vector(1), weight }], strength)).toThrow(RangeError);
  });

  test("scale and shift do what normalizing, then styling, does", () => {
    // Two layers, of one and of two channels: [mean, variance], [mean, mean, variance, variance].
    const statistics = vector(2, 4, -1, 3, 9, 0.25);
    const style = vector(0.5, 1, 0, -0.5, 2, 3);

    const affine = affineOf(statistics, style, [1, 2]);

    const normalized = (x: number, mean: number, variance: number) => (x - mean) / Math.sqrt(variance + 1e-5);
    expect(7 * affine[0]! + affine[1]!).toBeCloseTo(1.5 * normalized(7, 2, 4) + 1, 4);
    expect(7 * affine[2]! + affine[4]!).toBeCloseTo(1 * normalized(7, -1, 9) + 2, 4);
    expect(7 * affine[3]! + affine[5]!).toBeCloseTo(0.5 * normalized(7, 3, 0.25) + 3, 3);
  });

  test("frames measured one by one give what they give together", () => {
    const values = [
      [1, 3],
      [5, 11],
    ];
    const of = (list: number[]) => {
      const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
      return vector(mean, list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / list.length);
    };

    expect([...pooled(values.map(of), [1])]).toEqual([...of(values.flat())]);
  });

  test("nothing measured is refused", () => {
    expect(() => pooled([], [1])).toThrow(RangeError);
  });

  test("a smoothed vector begins with the first measurement and follows slowly", () => {
    const smoothed = new Smoothed(0.25);

    expect([...smoothed.add(vector(8))]).toEqual([8]);
    expect([...smoothed.add(vector(0))]).toEqual([6]);
    smoothed.forget();
    expect([...smoothed.add(vector(1))]).toEqual([1]);
  });
});

describe("pixels", () => {
  test("planes and bytes are each other's reverse", () => {
    const bytes = Uint8ClampedArray.from([0, 128, 255, 255, 10, 20, 30, 255]);

    expect([...toRgba(toPlanes(bytes))]).toEqual([...bytes]);
  });

  test("what the network gives beyond 0 and 1 is bounded", () => {
    expect([...toRgba(vector(-0.5, 1.5, 0.5))]).toEqual([0, 255, 128, 255]);
  });

  test.each([
    [{ width: 1280, height: 720 }, 256, { width: 456, height: 256 }],
    [{ width: 720, height: 1280 }, 256, { width: 256, height: 456 }],
    [{ width: 640, height: 480 }, 160, { width: 216, height: 160 }],
  ])("%o at %s is painted in multiples of eight", (picture, short, size) => {
    expect(workingSize(picture, short)).toEqual(size);
  });

  test("a film is even in both directions and never larger than its camera", () => {
    expect(filmSize({ width: 1281, height: 721 }, 480)).toEqual({ width: 852, height: 480 });
    expect(filmSize({ width: 321, height: 241 }, 480)).toEqual({ width: 322, height: 242 });
  });
});

describe("the working size", () => {
  const feed = (adaptation: Adaptation, frames: number, cost: (short: number) => number) => {
    for (let frame = 0; frame < frames; frame++) adaptation.note(cost(adaptation.short));
  };
  /** A device that needs this many milliseconds at 256. */
  const device = (milliseconds: number) => (short: number) => milliseconds * (short / 256) ** 2;

  test.each([20, 45, 90, 150])("a device of %s ms at 256 holds fifteen frames a second", (milliseconds) => {
    const adaptation = new Adaptation();

    feed(adaptation, 500, device(milliseconds));

    expect(device(milliseconds)(adaptation.short)).toBeLessThanOrEqual(1000 / 15);
  });

  test("a quick device paints larger", () => {
    const adaptation = new Adaptation();

    feed(adaptation, 500, device(10));

    expect(adaptation.short).toBe(480);
  });

  test("a device that is too slow for anything paints as small as possible", () => {
    const adaptation = new Adaptation();

    feed(adaptation, 200, () => 500);

    expect(adaptation.short).toBe(160);
  });

  test("one slow frame changes nothing", () => {
    const adaptation = new Adaptation();
    feed(adaptation, 20, () => 55);

    adaptation.note(120);

    expect(adaptation.short).toBe(256);
  });

  test("sizes do not swing: what was too large is tried again more and more seldom", () => {
    const adaptation = new Adaptation();
    let changes = 0;
    // Quick at every size but the next larger one, where a cache overflows.
    for (let frame = 0; frame < 3000; frame++)
      if (adaptation.note(adaptation.short > 256 ? 90 : 20)) changes++;

    expect(changes).toBeLessThan(20);
  });
});

describe("threads", () => {
  test("they share memory where the page is isolated and the browser has any to share", () => {
    const SharedArrayBuffer = vi.fn();

    expect(sharesMemory({ crossOriginIsolated: true, SharedArrayBuffer })).toBe(true);
    expect(sharesMemory({ crossOriginIsolated: false, SharedArrayBuffer })).toBe(false);
    expect(sharesMemory({ crossOriginIsolated: true })).toBe(false);
    expect(sharesMemory({})).toBe(false);
  });

  test("there is one where no memory is shared, and four at most", () => {
    expect([threadsFor(false, 8), threadsFor(true, 8), threadsFor(true, 2), threadsFor(true, 0)]).toEqual([
      1, 4, 2, 1,
    ]);
  });
});

/** Networks of one norm layer with one channel, that say what they were asked. */
function pretend() {
  const asked: string[] = [];
  const say =
    (name: string, answer: (inputs: Record<string, Tensor>) => Record<string, number[]>) =>
    (inputs: Readonly<Record<string, Tensor>>) => {
      asked.push(name);
      const tensors = Object.entries(answer(inputs)).map(([key, data]) => [
        key,
        { data: vector(...data), dims: [] },
      ]);
      return Promise.resolve(Object.fromEntries(tensors) as Record<string, Tensor>);
    };
  const networks: Networks = {
    predictor: say("predictor", ({ picture }) => ({ embedding: [picture!.data[0]!] })),
    readout: say("readout", ({ embedding }) => ({ style: [embedding!.data[0]!, 0] })),
    transform: say("transform", ({ frame }) => ({ painting: [9], statistics: [0, frame!.data[0]!] })),
    "transform-locked": say("locked", ({ affine }) => ({ painting: [affine!.data[0]!] })),
  };
  return { networks, asked };
}

const frame = (value: number) => ({ planes: vector(value, 0, 0), width: 1, height: 1 });
const style = [{ embedding: vector(3), weight: 1 }];

describe("a scene", () => {
  test("is measured once in a while and painted locked in between", async () => {
    const { networks, asked } = pretend();
    let now = 0;
    const scene = new ScenePainter(networks, [1], () => now, { statistics: 100, own: 10_000 });
    scene.choose(style, 1);

    await scene.paint(frame(1), vector(5, 0, 0), 1);
    now = 50;
    await scene.paint(frame(1), null, 1);
    now = 120;
    await scene.paint(frame(1), null, 1);

    expect(asked).toEqual(["predictor", "readout", "transform", "locked", "locked", "transform", "locked"]);
  });

  test("follows its light slowly", async () => {
    const { networks } = pretend();
    let now = 0;
    const scene = new ScenePainter(networks, [1], () => now, { statistics: 100, own: 10_000 });
    scene.choose(style, 1);
    const [bright] = await scene.paint(frame(1), vector(5, 0, 0), 1);

    now = 200;
    const [later] = await scene.paint(frame(16), null, 1);

    // Scale is 4 / sqrt(variance): 4 for 1, and 1 for the 16 that it has not reached yet.
    expect(bright).toBeCloseTo(4, 3);
    expect(later).toBeGreaterThan(1.1);
    expect(later).toBeLessThan(3.9);
  });

  test("at strength 0 it is painted as it is", async () => {
    const { networks } = pretend();
    const predictor: Network = () =>
      Promise.resolve({ embedding: { data: vector(5), dims: [] }, identity: { data: vector(6), dims: [] } });
    const scene = new ScenePainter({ ...networks, predictor }, [1], () => 0);
    scene.choose(style, 0);

    const [painted] = await scene.paint(frame(1), vector(5, 0, 0), 1);

    expect(painted).toBeCloseTo(1 + 6, 3);
  });

  test("at strength 0 a release from before paints it with its own style", async () => {
    const { networks } = pretend();
    const scene = new ScenePainter(networks, [1], () => 0);
    scene.choose(style, 0);

    const [painted] = await scene.paint(frame(1), vector(5, 0, 0), 1);

    expect(painted).toBeCloseTo(1 + 5, 3);
  });

  test("another style is measured at once and takes nothing over", async () => {
    const { networks, asked } = pretend();
    const scene = new ScenePainter(networks, [1], () => 0);
    scene.choose(style, 1);
    await scene.paint(frame(1), vector(5, 0, 0), 1);
    asked.length = 0;

    scene.choose([{ embedding: vector(7), weight: 1 }], 1);
    const [painted] = await scene.paint(frame(4), null, 1);

    expect(asked).toEqual(["readout", "transform", "locked"]);
    expect(painted).toBeCloseTo(8 / 2, 3);
  });

  test("of a film is measured over all samples, and then never again", async () => {
    const { networks, asked } = pretend();
    let now = 0;
    const scene = new ScenePainter(networks, [1], () => now);
    scene.choose(style, 1);
    scene.begin();
    await scene.sample(frame(2), vector(4, 0, 0), 1);
    await scene.sample(frame(6), vector(6, 0, 0), 1);
    await scene.lock();
    asked.length = 0;

    const [first] = await scene.paint(frame(100), null, 1);
    now = 1e6;
    await scene.paint(frame(1), null, 1);

    expect(scene.wantsSquare).toBe(false);
    expect(asked).toEqual(["locked", "locked"]);
    expect(first).toBeCloseTo(4 / Math.sqrt(4), 3);
  });

  test("without a sample it cannot be locked", async () => {
    const scene = new ScenePainter(pretend().networks, [1], () => 0);
    scene.choose(style, 1);

    await expect(scene.lock()).rejects.toThrow(RangeError);
  });

  test("a wrong strength is refused when it is chosen, not when it is painted", () => {
    expect(() => new ScenePainter(pretend().networks, [1], () => 0).choose(style, 2)).toThrow(RangeError);
  });
});

class Port implements WorkerPort {
  sent: { message: Request; transfer: Transferable[] }[] = [];
  onmessage: WorkerPort["onmessage"] = null;
  onerror: WorkerPort["onerror"] = null;
  ended = false;
  postMessage(message: Request, transfer: Transferable[]) {
    this.sent.push({ message, transfer });
  }
  terminate() {
    this.ended = true;
  }
  say(reply: Reply) {
    this.onmessage?.({ data: reply } as MessageEvent<Reply>);
  }
}

describe("the painter's protocol", () => {
  const bitmap = { close() {} } as ImageBitmap;

  test("answers find whoever asked, in whatever order they come", async () => {
    const port = new Port();
    const painter = new Painter(port, "key");

    const first = painter.embed(bitmap);
    const second = painter.lock();
    port.say({ id: 2, answer: null });
    port.say({ id: 1, answer: vector(1) });

    expect(await second).toBeNull();
    expect([...(await first)]).toEqual([1]);
  });

  test("frames are handed over, not copied", () => {
    const port = new Port();

    void new Painter(port, "key").paint(bitmap, 256, true);

    expect(port.sent[0]).toMatchObject({
      message: { kind: "paint", ask: { short: 256, mirror: true } },
      transfer: [bitmap],
    });
  });

  test("the networks are opened with the key that the page came with", () => {
    const port = new Port();

    void new Painter(port, "key").open("wasm", 2);

    expect(port.sent[0]!.message.ask).toEqual({ backend: "wasm", threads: 2, key: "key" });
  });

  test("a refusal keeps its code", async () => {
    const port = new Port();
    const opening = new Painter(port, "key").open("best", null);

    port.say({ id: 1, problem: { code: "bad_model", detail: "x" } });

    await expect(opening).rejects.toMatchObject({ code: "bad_model", offline: false });
  });

  test("a worker that dies refuses what was asked and whatever is asked then", async () => {
    const port = new Port();
    const painter = new Painter(port, "key");
    const opening = painter.open("best", null);

    port.onerror?.({ message: "out of memory" } as ErrorEvent);

    await expect(opening).rejects.toMatchObject({ code: "painter_lost" });
    await expect(painter.lock()).rejects.toMatchObject({ code: "painter_lost" });
  });

  test("closing ends the worker", async () => {
    const port = new Port();
    const painter = new Painter(port, "key");
    const waiting = painter.lock();

    painter.close();

    expect(port.ended).toBe(true);
    await expect(waiting).rejects.toMatchObject({ code: "painter_closed" });
  });
});

const SHA = "a".repeat(64);
const file = (role: string, change: object = {}) => ({
  role,
  shape: role.startsWith("transform") ? "dynamic" : "-",
  layout: "NCHW",
  precision: "int8",
  url: `/models/${SHA}/${role}`,
  sha256: SHA,
  bytes: 3,
  metrics: {},
  ...change,
});
const manifest = (change: Partial<Manifest> = {}): Manifest => ({
  name: "impasto",
  version: "1",
  model_sha256: "m1",
  minimum_client: "0.1.0",
  embedding_size: 128,
  norm_widths: [1],
  picture_size: 224,
  files: ["predictor", "readout", "transform", "transform-locked"].map((role) => file(role)),
  ...change,
});

describe("the manifest", () => {
  test("gives one file for each role: any size, channels first, the smallest numbers", () => {
    const extra = [
      file("transform", { shape: "256x256", url: "fixed" }),
      file("transform", { precision: "fp32", url: "large" }),
      file("transform", { layout: "NHWC", url: "other" }),
    ];

    const chosen = filesOf(manifest({ files: [...extra, ...manifest().files] }));

    expect(chosen.transform.url).toBe(`/models/${SHA}/transform`);
  });

  test("without a role there is nothing to paint with", () => {
    expect(() => filesOf(manifest({ files: [file("predictor")] }))).toThrow(
      expect.objectContaining({ code: "no_model" }),
    );
  });

  test.each([
    ["nothing", null],
    ["an empty answer", {}],
    ["one without a checksum of its model", { ...manifest(), model_sha256: null }],
    ["one that does not say who may use it", { ...manifest(), minimum_client: undefined }],
    ["one without widths", { ...manifest(), norm_widths: 3 }],
    ["one with a strange checksum", manifest({ files: [file("predictor", { sha256: "x" })] })],
  ])("%s is none", (_name, body) => {
    expect(() => readManifest(body)).toThrow(expect.objectContaining({ code: "no_model" }));
  });
});

test.each([
  ["0.1.0", "0.1.0", false],
  ["1.10.0", "1.9.0", false],
  ["1.9.0", "1.10.0", true],
  ["0.10.0", "1.0.0", true],
  ["2.0.0", "1.9.9", false],
])("whether %s is older than %s: %s", (version, minimum, older) => {
  expect(isOlder(version, minimum)).toBe(older);
});

describe("a release", () => {
  /** As much of a Cache as is used. */
  function cache() {
    const kept = new Map<string, Response>();
    return {
      kept,
      match: (url: string) => Promise.resolve(kept.get(url)?.clone()),
      put: (url: string, response: Response) => Promise.resolve(void kept.set(url, response)),
      delete: (url: string) =>
        Promise.resolve(kept.delete(new URL(url, "http://x").pathname) || kept.delete(url)),
      keys: () => Promise.resolve([...kept.keys()].map((url) => ({ url: `http://x${url}` }))),
    };
  }
  const MANIFEST = "/api/v1/model-releases/?format=onnx&platform=web";
  const ROLES = ["predictor", "readout", "transform", "transform-locked"];
  /** A release whose files hold its name and their role; the pretended digest is of the first letters. */
  const released = (name: string, version: string) =>
    manifest({
      name,
      version,
      model_sha256: `sha of ${name}`,
      files: ROLES.map((role) => file(role, { url: `/models/${name}/${role}`, sha256: shaOf(name) })),
      signature: { algorithm: "Ed25519", value: btoa("by us") },
    });
  const shaOf = (name: string) => name.at(-1)!.charCodeAt(0).toString(16).padStart(64, "0");
  const digest = (bytes: ArrayBuffer) => {
    const of = new Uint8Array(32);
    of[31] = new TextDecoder().decode(bytes).split(" ")[0]!.at(-1)!.charCodeAt(0);
    return Promise.resolve(of.buffer);
  };
  const server =
    (release: Manifest, files: (url: string) => Promise<Response> = whole) =>
    (url: string): Promise<Response> =>
      url === MANIFEST ? Promise.resolve(Response.json(release)) : files(url);
  const whole = (url: string) => Promise.resolve(new Response(url.split("/").slice(2).join(" ")));
  const gone = () => Promise.reject(new TypeError("network"));
  const store = (fetch: Fetch, kept = cache()) => ({
    kept: kept.kept,
    open: () =>
      new ModelStore({
        fetch,
        open: () => Promise.resolve(kept as unknown as Cache),
        digest,
        verify: (signature) => Promise.resolve(new TextDecoder().decode(signature) === "by us"),
        key: "",
      }).release(),
  });
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const v1 = released("impasto-v1", "1.0.0");
  const v2 = released("impasto-v2", "2.0.0");

  test("is fetched once", async () => {
    const fetch = vi.fn(server(v1));
    const { open } = store(fetch);

    await open();
    const { bytes } = await open();

    expect(fetch.mock.calls.filter(([url]) => url !== MANIFEST)).toHaveLength(4);
    expect(text(bytes.readout)).toBe("impasto-v1 readout");
  });

  test("that this site did not sign is refused, and nothing of it is fetched or kept", async () => {
    const fetch = vi.fn(server({ ...v1, signature: { algorithm: "Ed25519", value: btoa("by them") } }));
    const { open, kept } = store(fetch);

    await expect(open()).rejects.toMatchObject({ code: "bad_signature" });
    expect(fetch).toHaveBeenCalledTimes(1);
    expect(kept.size).toBe(0);
  });

  test("that needs a newer page is refused, and the one before stays", async () => {
    const kept = cache();
    await store(server(v1), kept).open();
    const fetch = vi.fn(server({ ...v2, minimum_client: "999.0.0" }));

    await expect(store(fetch, kept).open()).rejects.toMatchObject({ code: "client_too_old" });
    expect(fetch).toHaveBeenCalledTimes(1);
    expect((await store(gone, kept).open()).manifest.name).toBe("impasto-v1");
  });

  test("without a signature is refused as well, and the one before stays", async () => {
    const kept = cache();
    await store(server(v1), kept).open();
    const before = [...kept.kept.keys()];
    const { signature: _signature, ...unsigned } = v2;

    await expect(store(server(unsigned), kept).open()).rejects.toMatchObject({ code: "bad_signature" });
    expect([...kept.kept.keys()]).toEqual(before);
    expect((await store(gone, kept).open()).manifest.name).toBe("impasto-v1");
  });

  test("that was changed in the cache is refused without a network too", async () => {
    const kept = cache();
    await store(server(v1), kept).open();
    kept.kept.set(MANIFEST, Response.json({ ...v1, signature: undefined }));

    await expect(store(gone, kept).open()).rejects.toMatchObject({ code: "bad_signature" });
  });

  test("whose files are not what it says is refused, and they are not kept", async () => {
    const { open, kept } = store(server(v1, () => Promise.resolve(new Response("other"))));

    await expect(open()).rejects.toMatchObject({ code: "bad_model" });
    expect(kept.size).toBe(0);
  });

  test("that rotted in the cache is fetched again", async () => {
    const kept = cache();
    kept.kept.set("/models/impasto-v1/readout", new Response("rotten"));

    const { bytes } = await store(server(v1), kept).open();

    expect(text(bytes.readout)).toBe("impasto-v1 readout");
  });

  test("serves without a network once it was whole", async () => {
    const kept = cache();
    await store(server(v1), kept).open();

    const { manifest: last, bytes } = await store(gone, kept).open();

    expect(last).toEqual(v1);
    expect(text(bytes.transform)).toBe("impasto-v1 transform");
    await expect(store(gone).open()).rejects.toMatchObject({ offline: true });
  });

  test("that was published since takes the place of all that was kept of the last one", async () => {
    const kept = cache();
    await store(server(v1), kept).open();

    const { manifest: newest, bytes } = await store(server(v2), kept).open();

    expect(newest.model_sha256).toBe("sha of impasto-v2");
    expect(Object.values(bytes).map(text)).toEqual(ROLES.map((role) => `impasto-v2 ${role}`));
    expect([...kept.kept.keys()].toSorted()).toEqual([
      MANIFEST,
      ...ROLES.map((role) => `/models/impasto-v2/${role}`),
    ]);
  });

  test.each([
    ["older than", { ...v2, serial: 4 }, "impasto-v1"],
    ["without the number of", v2, "impasto-v1"],
    ["as old as", { ...v2, serial: 5 }, "impasto-v2"],
    ["newer than", { ...v2, serial: 6 }, "impasto-v2"],
  ])("whose manifest is %s the last one's: %#", async (_name, next, painted) => {
    const kept = cache();
    await store(server({ ...v1, serial: 5 }), kept).open();

    const { manifest: taken, bytes } = await store(server(next), kept).open();

    expect(taken.name).toBe(painted);
    expect(text(bytes.readout)).toBe(`${painted} readout`);
    expect((await store(gone, kept).open()).manifest.name).toBe(painted);
  });

  test("with an early number takes the place of one that is not trusted any more", async () => {
    const kept = cache();
    await store(server({ ...v1, serial: 5 }), kept).open();
    kept.kept.set(MANIFEST, Response.json({ ...v1, serial: 9, signature: undefined }));

    const { manifest: taken } = await store(server({ ...v2, serial: 6 }), kept).open();

    expect(taken.name).toBe("impasto-v2");
  });

  test("whose download is cut off leaves the last one whole, and that one is painted with", async () => {
    const kept = cache();
    await store(server(v1), kept).open();
    const cut = server(v2, (url) => (url.endsWith("readout") ? gone() : whole(url)));

    const cutOff = await store(cut, kept).open();
    const later = await store(gone, kept).open();

    for (const { manifest: last, bytes } of [cutOff, later]) {
      expect(last.name).toBe("impasto-v1");
      expect(Object.values(bytes).map(text)).toEqual(ROLES.map((role) => `impasto-v1 ${role}`));
    }
  });

  /** An answer of which the beginning has come. */
  const begun = (then: (body: ReadableStreamDefaultController<Uint8Array>) => void) =>
    Promise.resolve(
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode('{"name": "impasto-v2'));
            then(controller);
          },
        }),
      ),
    );
  const cutOff = () => begun((body) => setTimeout(() => body.error(new TypeError("network")), 1));
  const away = (status: number) => () => Promise.resolve(new Response("", { status }));
  const short = () => Promise.resolve(new Response("im"));

  test.each<[string, Fetch]>([
    ["whose manifest is cut mid-way", cutOff],
    [
      "one of whose files is cut mid-way",
      server(v2, (url) => (url.endsWith("readout") ? cutOff() : whole(url))),
    ],
    ["one of whose files is shorter than it says", server(v2, short)],
    ["of a server that is being deployed", away(503)],
    ["of a server behind a proxy that does not reach it", away(502)],
    ["of a server that a proxy has waited for in vain", away(504)],
    ["whose files are not to be had for now", server(v2, away(503))],
  ])("%s leaves the last whole one to paint with", async (_name, fetch) => {
    const kept = cache();
    await store(server(v1), kept).open();

    const { manifest: last, bytes } = await store(fetch, kept).open();

    expect([last.name, text(bytes.readout)]).toEqual(["impasto-v1", "impasto-v1 readout"]);
    await expect(store(fetch).open()).rejects.toMatchObject({ offline: true });
  });

  describe("of which nothing comes", () => {
    afterEach(() => void vi.useRealTimers());
    const stalled: [string, Fetch][] = [
      ["at all", (_url, signal) => new Promise((_, reject) => signal.addEventListener("abort", reject))],
      ["any more", (_url, signal) => begun((body) => signal.addEventListener("abort", () => body.error()))],
    ];

    test.each(stalled)(
      "%s leaves the last whole one to paint with, after twenty seconds",
      async (_name, fetch) => {
        const kept = cache();
        await store(server(v1), kept).open();
        vi.useFakeTimers();
        const opened = vi.fn();

        void store(fetch, kept).open().then(opened);
        await vi.advanceTimersByTimeAsync(19_000);
        expect(opened).not.toHaveBeenCalled();
        await vi.advanceTimersByTimeAsync(2000);
        vi.useRealTimers();
        await vi.waitUntil(() => opened.mock.calls.length > 0);

        expect(opened.mock.lastCall![0].manifest.name).toBe("impasto-v1");
      },
    );

    test("for long is waited for while something comes now and then", async () => {
      vi.useFakeTimers();
      const text = JSON.stringify(v2);
      const slow: Fetch = (_url, signal) =>
        Promise.resolve(
          new Response(
            new ReadableStream({
              async start(controller) {
                signal.addEventListener("abort", () => controller.error());
                for (let at = 0; at < 4; at++) {
                  await new Promise((resolve) => setTimeout(resolve, 15_000));
                  const piece = text.slice((at * text.length) / 4, ((at + 1) * text.length) / 4);
                  controller.enqueue(new TextEncoder().encode(piece));
                }
                controller.close();
              },
            }),
          ),
        );
      const opened = store((url, signal) => (url === MANIFEST ? slow(url, signal) : whole(url))).open();

      await vi.advanceTimersByTimeAsync(61_000);
      vi.useRealTimers();

      expect((await opened).manifest.name).toBe("impasto-v2");
    });
  });

  test.each([404, 500])("a server that answers %s is said to have nothing", async (status) => {
    const { open } = store(() => Promise.resolve(new Response("{}", { status })));

    await expect(open()).rejects.toMatchObject({ code: "no_model" });
  });

  test("that is no JSON is none", async () => {
    const { open } = store(() => Promise.resolve(new Response("<html>")));

    await expect(open()).rejects.toMatchObject({ code: "no_model" });
  });
});
