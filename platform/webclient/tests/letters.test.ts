import { expect, test } from "vitest";

import { drawable, missingLetters } from "../src/model/letters";

test("what no font has is left out, and named once", () => {
  const words = "Swan 🦢🦢 лебедь 你好 ok";

  expect(drawable(words, "sans")).toBe("Swan   你好 ok");
  expect(missingLetters(words, "sans").join("")).toBe("🦢лебдь");
});

test("what has no shape of its own is not missed", () => {
  expect(drawable("a\u2029b\tc\nd\u{FE0F}", "serif")).toBe("a b c\nd");
  expect(missingLetters("a\u200d\u2029b\u{FE0F}\tc\nd", "serif")).toEqual([]);
});
