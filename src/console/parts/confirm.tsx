/**
 * Asks before something is done that cannot be undone.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useAction } from "./action.js";
import { Dialog } from "./dialog.js";
import { ErrorLine } from "./error-line.js";
import { TextField } from "./fields.js";
import { visible } from "./name.js";
import { text } from "./text.js";

interface ConfirmProps {
  readonly title: string;
  /** What will happen. */
  readonly children: ComponentChildren;
  /** What the button says: the deed, "Delete", not "OK". */
  readonly deed: string;
  /** Has to be typed first: for what takes messages with it. */
  readonly name?: string;
  /** Does it. The dialog closes when it resolves, and shows why when it rejects. */
  readonly act: () => Promise<unknown>;
  readonly onClose: () => void;
}

/** It is open as long as it is drawn. */
export const Confirm = ({ title, children, deed, name, act, onClose }: ConfirmProps) => {
  const typed = useSignal("");
  const { run, isRunning, error } = useAction(act);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (await run()) onClose();
  };
  // What cannot be typed is typed as it is shown.
  const isSure = name === undefined || typed.value === name || typed.value === visible(name);
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <div class="prose">{children}</div>
        {name !== undefined && (
          <TextField
            label={
              <>
                {text().typeName} <bdi class="typed">{visible(name)}</bdi>
              </>
            }
            value={typed.value}
            onInput={(value) => {
              typed.value = value;
            }}
          />
        )}
        <ErrorLine error={error} />
        <footer>
          <button type="button" onClick={onClose}>
            {text().cancel}
          </button>
          <button type="submit" class="danger" disabled={!isSure || isRunning}>
            {deed}
          </button>
        </footer>
      </form>
    </Dialog>
  );
};
