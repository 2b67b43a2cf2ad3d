/** What a drag tells: when it really begins, how far it is, and its end. */
export interface DragPorts {
  start: () => void;
  move: (dx: number, dy: number, event: PointerEvent) => void;
  end: () => void;
  /** A finger must rest before it drags, because otherwise it scrolls. */
  holds?: boolean;
}

const THRESHOLD = 4;
const FINGER_MOVES = 9;
const HOLD = 280;
let lastDrag = 0;

/** A click that only ended a drag means nothing. */
export const wasDrag = () => performance.now() - lastDrag < 60;

export function beginDrag(down: PointerEvent, { start, move, end, holds = false }: DragPorts) {
  if (down.button !== 0) return;
  const target = down.currentTarget as HTMLElement;
  const waits = holds && down.pointerType === "touch";
  let isOn = false;
  const timer = waits ? setTimeout(go, HOLD) : null;

  function go() {
    isOn = true;
    target.setPointerCapture(down.pointerId);
    target.classList.add("dragging");
    start();
  }

  function moved(event: PointerEvent) {
    if (event.pointerId !== down.pointerId) return;
    const dx = event.clientX - down.clientX;
    const dy = event.clientY - down.clientY;
    const far = Math.hypot(dx, dy);
    if (!isOn && waits && far > FINGER_MOVES) return stop();
    if (!isOn && !waits && far > THRESHOLD) go();
    if (isOn) move(dx, dy, event);
  }

  function up(event: PointerEvent) {
    if (event.pointerId === down.pointerId) stop();
  }

  /** While it is dragged the finger does not scroll. */
  function still(event: TouchEvent) {
    if (isOn && event.cancelable) event.preventDefault();
  }

  function stop() {
    if (timer !== null) clearTimeout(timer);
    removeEventListener("pointermove", moved);
    removeEventListener("pointerup", up);
    removeEventListener("pointercancel", up);
    target.removeEventListener("touchmove", still);
    target.classList.remove("dragging");
    if (!isOn) return;
    isOn = false;
    lastDrag = performance.now();
    end();
  }

  addEventListener("pointermove", moved);
  addEventListener("pointerup", up);
  addEventListener("pointercancel", up);
  target.addEventListener("touchmove", still, { passive: false });
}
