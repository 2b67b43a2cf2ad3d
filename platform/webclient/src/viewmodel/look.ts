import { computed, createModel, signal } from "@preact/signals";

import type { Preferences } from "../model/preferences";
import type { Style } from "../model/types";

export type Theme = "dark" | "light" | "system";
export const themes = ["dark", "light", "system"] as const;

const NEUTRAL = { dark: "#e8c48a", light: "#7a4a12" };

/** Black or white, whichever reads better on a colour (WCAG relative luminance). */
export function inkOn(color: string): "#0e0d0c" | "#ffffff" {
  const channels = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255);
  const [red = 0, green = 0, blue = 0] = channels.map((c) =>
    c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4,
  );
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return luminance > 0.179 ? "#0e0d0c" : "#ffffff";
}

const isColor = (text: string | undefined): text is string => /^#[0-9a-f]{6}$/i.test(text ?? "");

/** Theme, and the accent that the chosen painting lends to a screen. */
export const Look = createModel((preferences: Preferences, systemIsDark: () => boolean) => {
  const theme = signal<Theme>(preferences.read("theme", themes, "dark"));
  const systemDark = signal(systemIsDark());
  const lender = signal<Pick<Style, "accent"> | null>(null);
  const shown = computed<"dark" | "light">(() =>
    theme.value === "system" ? (systemDark.value ? "dark" : "light") : theme.value,
  );
  const accent = computed(() => {
    const lent = shown.value === "dark" ? lender.value?.accent.on_dark : lender.value?.accent.on_light;
    return isColor(lent) ? lent : NEUTRAL[shown.value];
  });

  return {
    theme,
    shown,
    accent,
    onAccent: computed(() => inkOn(accent.value)),
    choose(next: Theme) {
      theme.value = next;
      preferences.write("theme", next);
    },
    systemChanged() {
      systemDark.value = systemIsDark();
    },
    borrow(style: Pick<Style, "accent"> | null) {
      lender.value = style;
    },
  };
});
