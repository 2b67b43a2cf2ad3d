import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { colourOf, SceneFinder, THUMB } from "../src/model/live/scenes";

type Colour = readonly [number, number, number];
type Picture = (x: number, y: number) => Colour;

/** Numbers that look like chance and are the same in every run. */
const CHANCES = Float32Array.from({ length: 8191 }, (_, seed) => {
  const value = Math.sin(seed * 12.9898 + 78.233) * 43758.5453;
  return value - Math.floor(value);
});
const chance = (seed: number) => CHANCES[seed % CHANCES.length]!;

function thumbOf(picture: Picture): Uint8ClampedArray {
  const bytes = new Uint8ClampedArray(THUMB.width * THUMB.height * 4);
  for (let y = 0, at = 0; y < THUMB.height; y++) {
    for (let x = 0; x < THUMB.width; x++, at += 4) {
      const [red, green, blue] = picture(x, y);
      bytes[at] = red;
      bytes[at + 1] = green;
      bytes[at + 2] = blue;
    }
  }
  return bytes;
}

/** A grainy wall of one brightness; no two frames of it are the same. */
const wall = (level: number, seed = 0): Picture => {
  return (x, y) => {
    const grainy = level + 30 * (chance(seed * 977 + 64 * y + x) - 0.5);
    return [grainy, grainy, grainy];
  };
};
const walls = (...levels: number[]) => levels.map((level, at) => wall(level, at));
const frames = (count: number, level: number) => Array.from({ length: count }, () => level);

const scenesOf = (pictures: readonly Picture[], rate = 25) => {
  const finder = new SceneFinder();
  for (const [at, picture] of pictures.entries()) finder.see(thumbOf(picture), at / rate);
  return finder.scenes();
};
const startsOf = (pictures: readonly Picture[]) => scenesOf(pictures).map(({ first }) => first);

describe("the scenes of a film", () => {
  test("begin at its cuts", () => {
    const film = walls(...frames(20, 60), ...frames(30, 180), ...frames(20, 90));

    expect(startsOf(film)).toEqual([0, 20, 50]);
  });

  test("are one where nothing happens", () => {
    expect(startsOf(walls(...frames(40, 90)))).toEqual([0]);
  });

  test("are one in a fast pan over strong contrasts: all pixels change, the colours do not", () => {
    const block = (x: number, y: number, channel: number) =>
      20 + 210 * chance(3 * (16 * y + (x % 16)) + channel);
    const pan = Array.from({ length: 40 }, (_, at): Picture => {
      const place = (x: number) => (x + 2 * at) >> 2;
      return (x, y) => [block(place(x), y >> 2, 0), block(place(x), y >> 2, 1), block(place(x), y >> 2, 2)];
    });

    expect(startsOf(pan)).toEqual([0]);
  });

  test("of the same colours are two where they differ more than the motion before did", () => {
    const board = (shift: number): Picture => {
      return (x, y) => ((((x + shift) >> 4) + (y >> 4)) % 2 === 0 ? [40, 40, 40] : [200, 200, 200]);
    };
    const film = [
      ...Array.from({ length: 20 }, () => board(0)),
      ...Array.from({ length: 20 }, () => board(16)),
    ];

    expect(startsOf(film)).toEqual([0, 20]);
  });

  test("are found by their colours out of motion that changes every pixel", () => {
    const shaken = (colour: Colour, seed: number): Picture => {
      return (x, y) => (chance(seed * 3000 + 64 * y + x) < 0.5 ? colour : [0, 0, 0]);
    };
    const film = Array.from({ length: 40 }, (_, at) => shaken(at < 20 ? [90, 60, 20] : [30, 90, 200], at));

    expect(startsOf(film)).toEqual([0, 20]);
  });

  test.each([1, 2, 3])("are one around a flash of %d frames", (length) => {
    const film = walls(...frames(20, 60), ...frames(length, 250), ...frames(20, 60));

    expect(startsOf(film)).toEqual([0]);
  });

  test("are as before after a flash: a cut that follows it is found", () => {
    const film = walls(...frames(20, 60), 250, ...frames(4, 60), ...frames(20, 180));

    expect(startsOf(film)).toEqual([0, 25]);
  });

  test("are two where a flash hides the cut: afterwards nothing is as it was", () => {
    const film = walls(...frames(20, 60), 250, ...frames(20, 160));

    expect(startsOf(film)).toEqual([0, 20]);
  });

  test("are one through a slow fade to black and back, which is no cut", () => {
    const down = Array.from({ length: 24 }, (_, at) => 150 - 6 * at);

    expect(startsOf(walls(...frames(20, 150), ...down, ...down.toReversed(), ...frames(20, 150)))).toEqual([
      0,
    ]);
  });

  test("never begin with a cut into nothing: the first frame has nothing before it", () => {
    expect(startsOf(walls(200))).toEqual([0]);
    expect(scenesOf([])).toEqual([]);
  });

  test("have eight frames at least: what is shorter belongs to the scene that it began in", () => {
    expect(startsOf(walls(...frames(5, 60), ...frames(20, 200)))).toEqual([0]);
    expect(startsOf(walls(...frames(8, 60), ...frames(20, 200)))).toEqual([0, 8]);
    expect(startsOf(walls(...frames(20, 60), ...frames(5, 200), ...frames(20, 120)))).toEqual([0, 20]);
  });

  test("may be cut off by the end of the film", () => {
    expect(startsOf(walls(...frames(20, 60), 200, 200))).toEqual([0, 20]);
  });
});

describe("what is measured of a scene", () => {
  test("is spread over all of it, eight frames at most, each one that is there", () => {
    const scenes = scenesOf(walls(...frames(100, 60), ...frames(10, 200)), 1);

    expect(scenes).toEqual([
      { first: 0, moments: [6, 18, 31, 43, 56, 68, 81, 93] },
      { first: 100, moments: [101, 105, 108] },
    ]);
  });

  test("of a single frame is that frame", () => {
    expect(scenesOf(walls(60))).toEqual([{ first: 0, moments: [0] }]);
  });
});

test("colours are told apart as on the server", () => {
  const cases = JSON.parse(readFileSync(join(import.meta.dirname, "colour-cases.json"), "utf8")) as [
    number,
    number,
    number,
    number,
  ][];

  expect(cases.length).toBeGreaterThan(100);
  expect(cases.filter(([red, green, blue, colour]) => colourOf(red, green, blue) !== colour)).toEqual([]);
});
