import { useSignalEffect } from "@preact/signals";

import type { StyleChoiceModel } from "../../viewmodel/live-styles";
import { useApp, useT } from "../context";
import { InlineProblem, Slider } from "../parts/basics";
import { AddPicture, StylePick } from "../parts/cards";

/**
 * Presets and one's own pictures, and how strongly the chosen one paints.
 *
 * @param onReload what there is to do where no preset could be had
 */
export function StyleChooser({
  styles,
  disabled = false,
  onReload,
}: {
  styles: StyleChoiceModel;
  disabled?: boolean;
  onReload?: () => void;
}) {
  const t = useT();
  const { look } = useApp();
  useSignalEffect(() => look.borrow(styles.style.value));
  return (
    <section class="live-styles" aria-label={t("styles")}>
      <div class="carousel" role="group" aria-label={t("styles")}>
        {!disabled && <AddPicture busy={false} onPick={(picture) => void styles.addPicture(picture)} />}
        {[...styles.own.value, ...styles.presets.value].map((style) => (
          <StylePick
            key={style.slug}
            name={style.name}
            thumbnail={style.thumbnail}
            chosen={styles.chosen.value === style.slug}
            disabled={disabled}
            onPick={() => void styles.pick(style.slug)}
          />
        ))}
      </div>
      <InlineProblem
        problem={styles.problem.value}
        onRetry={styles.presets.value.length === 0 ? onReload : undefined}
      />
      <Slider
        label={t("strength")}
        shown={`${Math.round(styles.strength.value * 100)} %`}
        value={styles.strength.value}
        min={0}
        max={1.5}
        step={0.05}
        onChange={(value) => disabled || void styles.setStrength(value)}
      />
    </section>
  );
}

/** The first style of `?styles=`, as the easel has it. */
export function useFirstStyle(): string | null {
  const { router } = useApp();
  return (router.query.peek().get("styles") ?? "").split(",").find(Boolean) ?? null;
}
