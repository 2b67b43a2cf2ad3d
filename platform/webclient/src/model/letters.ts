import coverage from "../../../../editor/static/editor/fonts/coverage.json";
import type { FontName } from "./types";

/** Where stretches of characters that a font has begin and end, in turns; `editor/rendering/letters.py` wrote them. */
const edges = Object.fromEntries(
  Object.entries(coverage).map(([font, lengths]) => {
    let at = 0;
    return [font, lengths.map((length) => (at += length))];
  }),
);
const CJK_FROM = 0x2e80;
const SPACES = /[\t\r\u0085\u2000-\u200a\u2028\u2029\u202f\u205f]/g;
/** They join or change the letters beside them and are nothing by themselves. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{M}]/u;

function has(font: FontName, letter: string): boolean {
  const code = letter.codePointAt(0) ?? 0;
  const turns = edges[code >= CJK_FROM ? "cjk" : font] ?? [];
  let [low, high] = [0, turns.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (turns[middle]! <= code) low = middle + 1;
    else high = middle;
  }
  return low % 2 === 1;
}

/** What is drawn of some words, here and in the video: letters that no font of ours has are left out. */
export const drawable = (words: string, font: FontName): string =>
  [...words.replace(SPACES, " ")].filter((letter) => letter === "\n" || has(font, letter)).join("");

/** The letters that are left out, each once. */
export const missingLetters = (words: string, font: FontName): string[] => [
  ...new Set(
    [...words.replace(SPACES, " ")].filter(
      (letter) => letter !== "\n" && !has(font, letter) && !INVISIBLE.test(letter),
    ),
  ),
];
