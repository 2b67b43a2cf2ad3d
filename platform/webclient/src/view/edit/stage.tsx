import { useEffect, useRef } from "preact/hooks";
import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { Clapperboard, TriangleAlert } from "lucide";

import type { EditModel } from "../../viewmodel/edit";
import { useT } from "../context";
import { Icon } from "../parts/icon";
import type { Box } from "./painter";
import { Projector } from "./projector";

/** The picture, and dragging what lies on it. */
export function Stage({ edit, boxes }: { edit: EditModel; boxes: Signal<readonly Box[]> }) {
  const t = useT();
  const canvas = useRef<HTMLCanvasElement>(null);
  const projector = useRef<Projector | null>(null);
  const trouble = useSignal(false);
  useEffect(() => {
    const made = new Projector(
      canvas.current!,
      edit,
      (found) => (boxes.value = found),
      (isTrouble) => (trouble.value = isTrouble),
    );
    projector.current = made;
    made.refresh();
    return () => made.dispose();
  }, [edit]);
  useSignalEffect(() => {
    // Whatever the picture depends on.
    void [edit.shown.value, edit.timeline.value, edit.clips.value];
    projector.current?.refresh();
  });
  useSignalEffect(() => {
    if (edit.playing.value) projector.current?.play();
    else projector.current?.pause();
  });
  useCanvasGestures(canvas, edit, boxes);

  const { width, height } = edit.canvas.value;
  const missing = edit.segment.value && !edit.clips.value[edit.segment.value.clip];
  return (
    <section class="bench-stage" aria-label={t("stage")}>
      <div class="bench-picture" style={{ "--ratio": `${width} / ${height}`, "--shape": width / height }}>
        <canvas ref={canvas} width={width} height={height} role="img" aria-label={t("stage")} />
        <Frame edit={edit} boxes={boxes} />
        <GuideLines edit={edit} />
        {missing && (
          <p class="bench-note" role="status">
            <Icon of={Clapperboard} size={18} /> {t("missing_clip_here")}
          </p>
        )}
        {trouble.value && !missing && (
          <p class="bench-note" role="status">
            <Icon of={TriangleAlert} size={18} /> {t("picture_stuck")}
          </p>
        )}
      </div>
    </section>
  );
}

/** A thin frame around the words or the sticker that is selected. */
function Frame({ edit, boxes }: { edit: EditModel; boxes: Signal<readonly Box[]> }) {
  const here = edit.selected.value;
  const box = boxes.value.find(({ kind, id }) => kind === here?.kind && id === here.id);
  if (!box) return null;
  const { width, height } = edit.canvas.value;
  const share = (value: number, of: number) => `${(value / of) * 100}%`;
  return (
    <span
      class="bench-frame"
      aria-hidden="true"
      style={{
        left: share(box.x - box.width / 2, width),
        top: share(box.y - box.height / 2, height),
        width: share(box.width, width),
        height: share(box.height, height),
        rotate: `${box.rotation}rad`,
      }}
    />
  );
}

function GuideLines({ edit }: { edit: EditModel }) {
  const { x, y } = edit.guides.value;
  return (
    <>
      {x !== null && <span class="bench-guide upright" style={{ left: `${x * 100}%` }} aria-hidden="true" />}
      {y !== null && <span class="bench-guide level" style={{ top: `${y * 100}%` }} aria-hidden="true" />}
    </>
  );
}

function holds(box: Box, x: number, y: number, slack: number): boolean {
  const dx = x - box.x;
  const dy = y - box.y;
  const across = dx * Math.cos(-box.rotation) - dy * Math.sin(-box.rotation);
  const down = dx * Math.sin(-box.rotation) + dy * Math.cos(-box.rotation);
  return Math.abs(across) <= box.width / 2 + slack && Math.abs(down) <= box.height / 2 + slack;
}

/** One finger moves, two size and turn; a tap selects what is under it; the wheel with Ctrl sizes. */
function useCanvasGestures(
  canvas: { current: HTMLCanvasElement | null },
  edit: EditModel,
  boxes: Signal<readonly Box[]>,
) {
  useEffect(() => {
    const element = canvas.current!;
    const fingers = new Map<number, { x: number; y: number }>();
    let from: { x: number; y: number; spread: number; angle: number } | null = null;
    let isOn = false;
    let base = { x: 0, y: 0, scale: 1, turn: 0 };
    let now = base;

    const measure = () => {
      const [one, other = one] = [...fingers.values()];
      if (!one || !other) return null;
      return {
        x: (one.x + other.x) / 2,
        y: (one.y + other.y) / 2,
        spread: Math.hypot(other.x - one.x, other.y - one.y),
        angle: Math.atan2(other.y - one.y, other.x - one.x),
      };
    };

    const selectUnder = (event: PointerEvent) => {
      const area = element.getBoundingClientRect();
      const scale = element.width / area.width;
      const x = (event.clientX - area.left) * scale;
      const y = (event.clientY - area.top) * scale;
      const box = boxes.peek().findLast((one) => holds(one, x, y, 12 * scale));
      if (box) return edit.select({ kind: box.kind, id: box.id });
      const [picture] = edit.pictureAt(edit.frame.peek()).pictures.slice(-1);
      const here = edit.selected.peek();
      if (picture && !(here?.kind === "segments" && here.id === picture.segment)) {
        edit.select({ kind: "segments", id: picture.segment });
      }
    };

    const down = (event: PointerEvent) => {
      if (event.button !== 0) return;
      if (fingers.size === 0) {
        edit.pause();
        base = now = { x: 0, y: 0, scale: 1, turn: 0 };
        if (event.pointerType !== "touch" || edit.selected.peek() === null) selectUnder(event);
        else {
          const before = edit.selected.peek();
          selectUnder(event);
          // A finger beside a small thing still means that thing, unless it is on another one.
          if (edit.selected.peek()?.kind === "segments" && before && before.kind !== "segments") {
            tapped = before;
            edit.select(before);
          }
        }
        const here = edit.selected.peek();
        if (here) edit.grab(here.kind, here.id);
      }
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      element.setPointerCapture(event.pointerId);
      base = now;
      from = measure();
    };
    let tapped: ReturnType<typeof edit.selected.peek> = null;

    const move = (event: PointerEvent) => {
      if (!fingers.has(event.pointerId) || !from) return;
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      const to = measure()!;
      if (!isOn && Math.hypot(to.x - from.x, to.y - from.y) < 4 && fingers.size === 1) return;
      isOn = true;
      tapped = null;
      const area = element.getBoundingClientRect();
      const pinches = fingers.size > 1 && from.spread > 0;
      now = {
        x: base.x + (to.x - from.x) / area.width,
        y: base.y + (to.y - from.y) / area.height,
        scale: base.scale * (pinches ? to.spread / from.spread : 1),
        turn: base.turn + (pinches ? ((to.angle - from.angle) * 180) / Math.PI : 0),
      };
      edit.dragOnCanvas(now);
    };

    const up = (event: PointerEvent) => {
      if (!fingers.delete(event.pointerId)) return;
      base = now;
      from = measure();
      if (fingers.size > 0) return;
      edit.release();
      if (!isOn && tapped) selectUnder(event);
      tapped = null;
      isOn = false;
    };

    const wheel = (event: WheelEvent) => {
      const here = edit.selected.peek();
      if (!event.ctrlKey || !here) return;
      event.preventDefault();
      const scale = Math.exp(-event.deltaY * 0.004);
      const segment = edit.segment.peek();
      const text = edit.text.peek();
      const sticker = edit.sticker.peek();
      if (segment) edit.setView({ zoom: segment.view.zoom * scale });
      if (text) edit.changeText({ size: text.size * scale });
      if (sticker) edit.changeSticker({ size: sticker.size * scale });
    };

    element.addEventListener("pointerdown", down);
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", up);
    element.addEventListener("pointercancel", up);
    element.addEventListener("wheel", wheel, { passive: false });
    return () => {
      // The last clip was deleted under a finger.
      if (fingers.size > 0) edit.release();
      element.removeEventListener("pointerdown", down);
      element.removeEventListener("pointermove", move);
      element.removeEventListener("pointerup", up);
      element.removeEventListener("pointercancel", up);
      element.removeEventListener("wheel", wheel);
    };
  }, [edit]);
}
