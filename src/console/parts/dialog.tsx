/**
 * Dialogs: the browser's own, which keeps the focus within, closes with Esc and gives the focus back.
 */
import type { ComponentChildren } from "preact";
import "./dialog.css";
import { useEffect, useId, useRef } from "preact/hooks";
import { text } from "./text.js";

interface DialogProps {
  readonly title: string;
  /** Called once when it is closed, by whatever. The one who shows it leaves it out then. */
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  /** Room for bodies and tables. */
  readonly wide?: boolean;
}

/** It is open as long as it is drawn. */
export const Dialog = ({ title, onClose, children, wide = false }: DialogProps) => {
  const element = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    element.current?.showModal();
  }, []);
  return (
    <dialog ref={element} class={wide ? "dialog wide" : "dialog"} aria-labelledby={heading} onClose={onClose}>
      <header>
        <h2 id={heading}>{title}</h2>
        <button type="button" class="quiet icon" aria-label={text().close} onClick={() => element.current?.close()}>
          ✕
        </button>
      </header>
      {children}
    </dialog>
  );
};
