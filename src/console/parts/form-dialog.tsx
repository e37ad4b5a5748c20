/**
 * A dialog with a form: what is filled in is done by one button, and the dialog closes when that has succeeded.
 */
import type { ComponentChildren } from "preact";
import { useAction } from "./action.js";
import { Dialog } from "./dialog.js";
import { ErrorLine } from "./error-line.js";
import { text } from "./text.js";

export interface FormDialogProps {
  readonly title: string;
  /** The fields. */
  readonly children: ComponentChildren;
  /** What the button says: the deed, "Delete", not "OK". */
  readonly deed: string;
  /** It takes something away. */
  readonly isDanger?: boolean;
  /** What is filled in is whole. */
  readonly isReady: boolean;
  /** Does it. The dialog closes when it resolves, and shows why when it rejects. */
  readonly act: () => Promise<unknown>;
  readonly onClose: () => void;
}

/** It is open as long as it is drawn. */
export const FormDialog = ({ title, children, deed, isDanger = false, isReady, act, onClose }: FormDialogProps) => {
  const { run, isRunning, error } = useAction(act);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (await run()) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        {children}
        <ErrorLine error={error} />
        <footer>
          <button type="button" onClick={onClose}>
            {text().cancel}
          </button>
          <button type="submit" class={isDanger ? "danger" : "primary"} disabled={!isReady || isRunning}>
            {deed}
          </button>
        </footer>
      </form>
    </Dialog>
  );
};
