import { expect, test } from "vitest";

import { en } from "../src/i18n/en";
import { zh } from "../src/i18n/zh";
import { Preferences } from "../src/model/preferences";
import { bestLocale, clock, I18n, megabytes } from "../src/viewmodel/i18n";

const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).toSorted();

test("both languages have the same words with the same gaps", () => {
  expect(Object.keys(zh).toSorted()).toEqual(Object.keys(en).toSorted());
  for (const key of Object.keys(en) as (keyof typeof en)[]) {
    if (key.endsWith("_one")) continue;
    expect([key, placeholders(zh[key])]).toEqual([key, placeholders(en[key])]);
  }
});

test("the browser's first language that we speak is chosen", () => {
  expect(bestLocale(["fr-FR", "zh-CN", "en"])).toBe("zh");
  expect(bestLocale(["fr"])).toBe("en");
});

test("a count of one has its own words", () => {
  const { t } = new I18n(new Preferences(null), ["en"]);

  expect(t("queue_place", { count: 1 })).toBe("Next in the queue");
  expect(t("queue_place", { count: 3 })).toBe("Place 3 in the queue");
});

test("a chosen language stays chosen", () => {
  const kept = new Map<string, string>();
  const storage = { getItem: (name: string) => kept.get(name) ?? null, setItem: kept.set.bind(kept) };
  const i18n = new I18n(new Preferences(storage as never), ["en"]);

  i18n.choose("zh");

  expect(i18n.t("feed")).toBe("画廊");
  expect(new I18n(new Preferences(storage as never), ["en"]).locale.value).toBe("zh");
});

test("lengths and sizes read like a clock and like a file", () => {
  expect(clock(65)).toBe("1:05");
  expect(clock(59.7)).toBe("1:00");
  expect(clock(3.46, true)).toBe("0:03.4");
  expect(megabytes(1_540_000)).toBe("1.5");
  expect(megabytes(154_000_000)).toBe("154");
});
