import { type ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { X } from "lucide";

import { useT } from "../context";
import { Button, IconButton } from "./basics";

/** A modal: keeps the focus inside, closes on Escape, on the cross and on a tap beside it. */
export function Dialog({
  title,
  onClose,
  wide = false,
  whole = false,
  children,
}: {
  title: string;
  onClose: () => void;
  wide?: boolean;
  /** It covers the page. */
  whole?: boolean;
  children: ComponentChildren;
}) {
  const t = useT();
  const element = useRef<HTMLDialogElement>(null);
  const name = useId();
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    const dialog = element.current!;
    dialog.showModal();
    // A tap beside the box lands on the dialog itself; Escape does the same for the keyboard.
    const tap = (event: MouseEvent) => event.target === dialog && close.current();
    dialog.addEventListener("click", tap);
    return () => dialog.removeEventListener("click", tap);
  }, []);
  return (
    <dialog
      ref={element}
      class={`dialog${wide ? " wide" : ""}${whole ? " whole" : ""}`}
      aria-labelledby={name}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div class="dialog-body">
        <header>
          <h2 id={name}>{title}</h2>
          <IconButton icon={X} label={t("close")} onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
}

export function Confirm({
  title,
  text,
  yes,
  no,
  onYes,
  onClose,
}: {
  title: string;
  text: string;
  yes: string;
  no?: string;
  onYes: () => void;
  onClose: () => void;
}) {
  const t = useT();
  return (
    <Dialog title={title} onClose={onClose}>
      <p class="dialog-text">{text}</p>
      <footer>
        <Button onClick={onClose}>{no ?? t("keep_it")}</Button>
        <Button
          kind="danger"
          onClick={() => {
            onYes();
            onClose();
          }}
        >
          {yes}
        </Button>
      </footer>
    </Dialog>
  );
}
