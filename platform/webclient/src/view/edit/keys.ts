import type { TextKey } from "../../i18n/en";
import type { EditModel } from "../../viewmodel/edit";

/** What the sheet says; `⌘` stands for Ctrl as well. */
export const KEYS: readonly [keys: string, what: TextKey][] = [
  ["Space", "key_space"],
  ["J K L", "key_jkl"],
  ["← →", "key_arrows"],
  ["Home End", "key_home"],
  ["I O", "key_io"],
  ["S", "key_s"],
  ["D", "key_d"],
  ["Del", "key_delete"],
  ["M", "key_m"],
  ["Ctrl/⌘ Z · Shift Z", "key_undo"],
  ["+ −", "key_zoom"],
  ["Tab ← →", "key_segments"],
  ["Alt ← →", "key_reorder"],
  ["?", "key_help"],
];

const ZOOM_STEP = 1.4;

/** One key, one verb. Returns false for what the bench leaves to others. */
export function pressKey(event: KeyboardEvent, edit: EditModel, help: () => void): boolean {
  const target = event.target as HTMLElement;
  if (
    target.closest("dialog, textarea, select, [contenteditable]") ||
    document.querySelector("dialog[open]")
  ) {
    return false;
  }
  const input = target.closest("input");
  if (input && input.type !== "range" && input.type !== "checkbox") return false;
  const command = event.ctrlKey || event.metaKey;
  if (command) {
    if (event.key.toLowerCase() === "z") {
      if (event.shiftKey) edit.redo();
      else edit.undo();
      return true;
    }
    if (event.key.toLowerCase() === "y") {
      edit.redo();
      return true;
    }
    return false;
  }
  if (event.altKey && !event.key.startsWith("Arrow")) return false;
  const isButton = target.closest("button, a, summary, label") && !target.closest(".tl-item");
  if (event.key === " " && (isButton || input?.type === "checkbox")) return false;
  // A slider has its own arrows; the playhead's are ours.
  if (
    input?.type === "range" &&
    !input.classList.contains("tl-slider") &&
    /^(Arrow|Home|End|Page)/.test(event.key)
  ) {
    return false;
  }
  if (target.closest("[role=tablist]") && event.key.startsWith("Arrow")) return false;
  const run = verbFor(event, edit, help);
  // A key that is held down walks and zooms; it does not cut, copy or throw away again and again.
  if (!event.repeat || /^(Arrow|[-+=_]$)/.test(event.key)) run?.();
  return run !== null;
}

function verbFor(event: KeyboardEvent, edit: EditModel, help: () => void): (() => void) | null {
  const step = event.shiftKey ? 10 : 1;
  const last = edit.timeline.peek().frames - 1;
  switch (event.key.length === 1 ? event.key.toLowerCase() : event.key) {
    case " ":
    case "k":
      return event.key === " " ? edit.togglePlay : edit.pause;
    case "j":
      return () => edit.shuttle(-1);
    case "l":
      return () => edit.shuttle(1);
    case "ArrowLeft":
      return event.altKey ? () => edit.moveSelected(-step) : () => edit.step(-step);
    case "ArrowRight":
      return event.altKey ? () => edit.moveSelected(step) : () => edit.step(step);
    case "Home":
      return () => edit.seek(0);
    case "End":
      return () => edit.seek(last);
    case "i":
      return () => edit.setEdge("in");
    case "o":
      return () => edit.setEdge("out");
    case "s":
      return edit.split;
    case "d":
      return edit.duplicate;
    case "m":
      return edit.toggleMarker;
    case "Delete":
    case "Backspace":
      return edit.remove;
    case "Escape":
      return edit.selected.peek() ? () => edit.select(null) : null;
    case "+":
    case "=":
      return () => edit.zoom(ZOOM_STEP);
    case "-":
    case "_":
      return () => edit.zoom(1 / ZOOM_STEP);
    case "?":
      return help;
    default:
      return null;
  }
}
