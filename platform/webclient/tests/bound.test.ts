import {
  ALL_FORMATS,
  AppendOnlyStreamTarget,
  BlobSource,
  EncodedAudioPacketSource,
  EncodedPacket,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  Input,
  Mp4OutputFormat,
  Output,
  WebMOutputFormat,
} from "mediabunny";
import { describe, expect, test } from "vitest";

import { bound } from "../src/model/live/encoding";
import { LAST_FRAME } from "../src/model/live/pictures";

const SOUND_PACKET = 0.02;
const OPUS = { codec: "opus", numberOfChannels: 1, sampleRate: 48_000 };

// Baseline 3.1, 64 × 48: one sequence parameter set and one picture parameter set.
const AVC_SPS = [0x67, 0x42, 0, 0x1f, 0xda, 0x11, 0xe4];
const AVC_CONFIG = Uint8Array.of(
  1,
  0x42,
  0,
  0x1f,
  0xff,
  0xe1,
  0,
  AVC_SPS.length,
  ...AVC_SPS,
  1,
  0,
  2,
  0x68,
  0xce,
);

/** Pictures that nobody looks at: enough for a container to tell what they are. */
const CODECS = {
  mp4: {
    codec: "avc",
    picture: Uint8Array.of(0, 0, 0, 2, 0x65, 0x88),
    config: {
      codec: "avc1.42001f",
      codedWidth: 64,
      codedHeight: 48,
      description: AVC_CONFIG,
    },
    format: () => new Mp4OutputFormat({ fastStart: "fragmented" }),
  },
  webm: {
    codec: "vp8",
    picture: Uint8Array.of(0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0),
    config: { codec: "vp8", codedWidth: 64, codedHeight: 48 },
    format: () => new WebMOutputFormat({ appendOnly: true }),
  },
} as const;

/** A film whose pictures come seldom, as far as it lay in the store when the page was reloaded. */
async function cutOff(
  container: keyof typeof CODECS,
  pictures: readonly number[],
  deltas: readonly number[] = [],
): Promise<Blob> {
  const { codec, picture, config, format } = CODECS[container];
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const stream = new WritableStream<Uint8Array>({
    write: (bytes) => void pieces.push(bytes.slice() as Uint8Array<ArrayBuffer>),
  });
  const output = new Output({ format: format(), target: new AppendOnlyStreamTarget(stream) });
  const video = new EncodedVideoPacketSource(codec);
  const audio = new EncodedAudioPacketSource("opus");
  output.addVideoTrack(video);
  output.addAudioTrack(audio);
  await output.start();
  let heard = 0;
  for (const moment of pictures) {
    for (; heard < moment; heard += SOUND_PACKET) {
      const packet = new EncodedPacket(Uint8Array.of(0xfc, 0xff, 0xfe), "key", heard, SOUND_PACKET);
      await audio.add(packet, { decoderConfig: OPUS });
    }
    const type = deltas.includes(moment) ? "delta" : "key";
    await video.add(new EncodedPacket(picture, type, moment, 0), { decoderConfig: config });
  }
  return new Blob(pieces);
}

async function read<T>(film: Blob, look: (input: Input) => Promise<T>): Promise<T> {
  const input = new Input({ source: new BlobSource(film), formats: ALL_FORMATS });
  try {
    return await look(input);
  } finally {
    input.dispose();
  }
}

const endsOf = (film: Blob) =>
  read(film, async (input) => ({
    picture: await (await input.getPrimaryVideoTrack())!.computeDuration(),
    sound: await (await input.getPrimaryAudioTrack())!.computeDuration(),
  }));

const picturesOf = (film: Blob) =>
  read(film, async (input) => {
    const moments: number[] = [];
    const packets = new EncodedPacketSink((await input.getPrimaryVideoTrack())!).packets();
    for await (const { timestamp } of packets) moments.push(timestamp);
    return moments;
  });

describe("a film that was cut off", () => {
  test("as WebM lacks its last picture's length, which is put right", async () => {
    const film = await cutOff("webm", [0, 1.5, 3, 4.5, 6]);
    const before = await endsOf(film);
    expect(before.sound - before.picture).toBeGreaterThan(1);

    const whole = await bound(film, "video/webm", "film");

    const { picture, sound } = await endsOf(whole);
    expect(sound).toBeCloseTo(before.sound, 2);
    expect((await picturesOf(whole)).slice(0, -1)).toEqual([0, 1.5, 3, 4.5]);
    expect(Math.abs(picture - sound)).toBeLessThanOrEqual(LAST_FRAME + 0.002);
  });

  test("as MP4 lacks nothing: a picture lasts until the next one", async () => {
    const film = await cutOff("mp4", [0, 1.5, 3, 4.5, 6]);

    const { picture, sound } = await endsOf(await bound(film, "video/mp4", "film"));

    expect(sound).toBeGreaterThan(2.9);
    expect(picture).toBeGreaterThanOrEqual(sound);
  });

  test("is left alone where its last picture is needed to draw on", async () => {
    const film = await cutOff("webm", [0, 1.5, 2.1, 3.5], [2.1]);

    const whole = await bound(film, "video/webm", "film");

    expect(await picturesOf(whole)).toEqual([0, 1.5, 2.1]);
  });

  test.each([
    ["webm", "its last picture stands until there", []],
    ["webm", "its last picture is needed to draw on", [6]],
    ["mp4", "a picture lasts until the next one", []],
  ] as const)("goes on for no longer than it may: %s, %s", async (container, _why, deltas) => {
    const film = await cutOff(container, [0, 1.5, 3, 4.5, 6, 7.5, 9], deltas);
    expect((await endsOf(film)).sound).toBeGreaterThan(5.1);

    const whole = await bound(film, `video/${container}`, "film", 5);

    const { picture, sound } = await endsOf(whole);
    expect(Math.max(picture, sound)).toBeLessThanOrEqual(5.001);
    expect(sound).toBeGreaterThan(4.9);
    expect((await picturesOf(whole)).slice(0, 4)).toEqual([0, 1.5, 3, 4.5]);
  });

  test("is whole where it may go on for longer", async () => {
    const film = await cutOff("mp4", [0, 1.5, 3, 4.5, 6]);

    const [free, long] = [await bound(film, "video/mp4", "film"), await bound(film, "video/mp4", "film", 60)];

    expect(await endsOf(long)).toEqual(await endsOf(free));
  });

  test("and that nothing can be read of is handed out as it is", async () => {
    const whole = await bound(new Blob(["nothing"]), "video/webm", "film");

    expect([await whole.text(), whole.name]).toEqual(["nothing", "film.webm"]);
  });
});
