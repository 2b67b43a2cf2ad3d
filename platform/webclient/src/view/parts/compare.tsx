import { type ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { ChevronsLeftRight } from "lucide";

import { useT } from "../context";
import { Icon } from "./icon";

/**
 * Two pictures of the same size on top of each other and a divider that follows the finger. Left of it one sees
 * `before`, right of it `after`.
 */
export function Compare({
  before,
  after,
  start = 50,
  label,
  children,
}: {
  before: ComponentChildren;
  after: ComponentChildren;
  start?: number;
  label?: string;
  children?: ComponentChildren;
}) {
  const t = useT();
  const share = useSignal(start);
  const box = useRef<HTMLDivElement>(null);
  const dragging = useRef(false);

  function follow(event: PointerEvent) {
    const area = box.current?.getBoundingClientRect();
    if (!area || area.width === 0) return;
    share.value = Math.min(100, Math.max(0, ((event.clientX - area.left) / area.width) * 100));
  }

  function grab(event: PointerEvent) {
    if (event.button !== 0 || (event.target as Element).closest("button, .player-bar")) return;
    dragging.current = true;
    box.current?.setPointerCapture(event.pointerId);
    follow(event);
  }

  function press(event: KeyboardEvent) {
    const moves: Record<string, number> = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5 };
    const jump: Record<string, number> = { Home: 0, End: 100 };
    const by = moves[event.key];
    const to = jump[event.key];
    if (by === undefined && to === undefined) return;
    event.preventDefault();
    share.value = to ?? Math.min(100, Math.max(0, share.value + (by ?? 0)));
  }

  return (
    <div
      class="compare"
      ref={box}
      style={{ "--split": `${share.value}%` }}
      onPointerDown={grab}
      onPointerMove={(event) => dragging.current && follow(event)}
      onPointerUp={() => (dragging.current = false)}
      onPointerCancel={() => (dragging.current = false)}
    >
      <div class="compare-after">{after}</div>
      <div class="compare-before">{before}</div>
      <span class={`compare-tag left${share.value < 18 ? " hidden" : ""}`}>{t("original")}</span>
      <span class={`compare-tag right${share.value > 82 ? " hidden" : ""}`}>{t("painted")}</span>
      <div
        class="compare-handle"
        role="slider"
        tabIndex={0}
        aria-label={label ?? t("compare")}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(share.value)}
        aria-valuetext={t("compare_value", { percent: Math.round(share.value) })}
        onKeyDown={press}
      >
        <span>
          <Icon of={ChevronsLeftRight} size={20} />
        </span>
      </div>
      {children}
    </div>
  );
}
