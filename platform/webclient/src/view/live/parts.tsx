import { useEffect, useRef } from "preact/hooks";
import { useSignalEffect } from "@preact/signals";

import type { LiveStyle } from "../../model/live/shelf";
import type { StyleChoiceModel } from "../../viewmodel/live-styles";
import { useApp, useT } from "../context";
import { InlineProblem, Slider } from "../parts/basics";
import { AddPicture } from "../parts/cards";

/** Presets and one's own pictures, and how strongly the chosen one paints. */
export function StyleChooser({ styles, disabled = false }: { styles: StyleChoiceModel; disabled?: boolean }) {
  const t = useT();
  const { look } = useApp();
  useSignalEffect(() => look.borrow(styles.style.value));
  return (
    <section class="live-styles" aria-label={t("styles")}>
      <div class="carousel" role="group" aria-label={t("styles")}>
        {!disabled && <AddPicture busy={false} onPick={(picture) => void styles.addPicture(picture)} />}
        {[...styles.own.value, ...styles.presets.value].map((style) => (
          <Pick key={style.slug} styles={styles} style={style} disabled={disabled} />
        ))}
      </div>
      <InlineProblem problem={styles.problem.value} />
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

function Pick({
  styles,
  style,
  disabled,
}: {
  styles: StyleChoiceModel;
  style: LiveStyle;
  disabled: boolean;
}) {
  const chosen = styles.chosen.value === style.slug;
  const element = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (chosen) element.current?.scrollIntoView({ inline: "center", block: "nearest" });
  }, [chosen]);
  return (
    <button
      ref={element}
      type="button"
      class="style-pick"
      aria-pressed={chosen}
      disabled={disabled}
      onClick={() => void styles.pick(style.slug)}
    >
      <span class="style-thumb">
        <img src={style.thumbnail} alt="" loading="lazy" draggable={false} />
      </span>
      <span class="style-caption">{style.name}</span>
    </button>
  );
}

/** The first style of `?styles=`, as the easel has it. */
export function useFirstStyle(): string | null {
  const { router } = useApp();
  return (router.query.peek().get("styles") ?? "").split(",").find(Boolean) ?? null;
}
