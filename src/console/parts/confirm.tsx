/**
 * Asks before something is done that cannot be undone.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { TextField } from "./fields.js";
import { FormDialog } from "./form-dialog.js";
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
  // What cannot be typed is typed as it is shown.
  const isSure = name === undefined || typed.value === name || typed.value === visible(name);
  return (
    <FormDialog title={title} deed={deed} isDanger isReady={isSure} act={act} onClose={onClose}>
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
    </FormDialog>
  );
};
