import { createModel, computed, type ReadonlySignal, signal } from "@preact/signals";

import { en, type Dictionary, type TextKey } from "../i18n/en";
import { zh } from "../i18n/zh";
import type { Preferences } from "../model/preferences";

export const locales = ["en", "zh"] as const;
export type Locale = (typeof locales)[number];

const dictionaries: Record<Locale, Dictionary> = { en, zh };

export const bestLocale = (wished: readonly string[]): Locale =>
  wished.map((tag) => locales.find((locale) => tag.toLowerCase().startsWith(locale))).find(Boolean) ?? "en";

/** The words of the interface. `t` reads a signal, so whatever shows a word changes with the language. */
export const I18n = createModel((preferences: Preferences, wished: readonly string[]) => {
  const locale = signal<Locale>(preferences.read("locale", locales, bestLocale(wished)));
  const numbers = computed(() => new Intl.NumberFormat(locale.value));
  const short = computed(() => new Intl.NumberFormat(locale.value, { notation: "compact" }));
  const relative = computed(
    () => new Intl.RelativeTimeFormat(locale.value, { numeric: "auto", style: "short" }),
  );

  function t(key: TextKey, values: Record<string, string | number> = {}): string {
    const one = `${key}_one` as TextKey;
    const text =
      values.count === 1 && one in dictionaries[locale.value]
        ? dictionaries[locale.value][one]
        : dictionaries[locale.value][key];
    return text.replace(/\{(\w+)\}/g, (_all, name: string) => {
      const value = values[name];
      return typeof value === "number" ? numbers.value.format(value) : (value ?? "");
    });
  }

  return {
    locale: locale as ReadonlySignal<Locale>,
    t,
    count: (value: number) => short.value.format(value),
    /** "3 min. ago" */
    ago(iso: string, now: number): string {
      const seconds = (Date.parse(iso) - now) / 1000;
      const steps = [
        ["year", 31_536_000],
        ["month", 2_592_000],
        ["day", 86_400],
        ["hour", 3600],
        ["minute", 60],
      ] as const;
      const step = steps.find(([, length]) => Math.abs(seconds) >= length);
      return step
        ? relative.value.format(Math.round(seconds / step[1]), step[0])
        : relative.value.format(0, "second");
    },
    date: (iso: string) =>
      new Intl.DateTimeFormat(locale.value, { year: "numeric", month: "long" }).format(new Date(iso)),
    choose(next: Locale) {
      locale.value = next;
      preferences.write("locale", next);
    },
  };
});

/** 1:05, or 0:03.4 with tenths */
export function clock(seconds: number, tenths = false): string {
  const whole = tenths ? Math.floor(seconds * 10) / 10 : Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  const rest = whole - minutes * 60;
  return `${minutes}:${tenths ? rest.toFixed(1).padStart(4, "0") : String(rest).padStart(2, "0")}`;
}

export function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0);
}
