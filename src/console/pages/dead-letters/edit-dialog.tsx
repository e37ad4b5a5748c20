/**
 * Publishes a dead letter with another body, in place of the old one.
 */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { DeadLetters, EditedDeadLetter, StoredMessage } from "ringmq/client";
import { hrefTo } from "../../base/route.js";
import { useAction } from "../../parts/action.js";
import { Dialog } from "../../parts/dialog.js";
import { ErrorLine } from "../../parts/error-line.js";
import { TextField } from "../../parts/fields.js";
import { bytes as size } from "../../parts/format.js";
import { Name } from "../../parts/name.js";
import { text } from "./text.js";

/** Bytes of a body that a text field is good for. */
const MOST = 1_024 * 1_024;

const LINES = 14;

interface EditDialogProps {
  readonly dead: DeadLetters;
  readonly letter: StoredMessage;
  readonly onDone: () => Promise<void>;
  readonly onClose: () => void;
}

const hexOf = (body: Uint8Array): string => Array.from(body, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

/** Undefined: it is no such text. */
const bytesOf = (hex: string): Uint8Array | undefined => {
  const digits = hex.replace(/\s+/g, "");
  if (!/^(?:[\da-f]{2})*$/i.test(digits)) return undefined;
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
};

/** A text field keeps no carriage returns: what has some is edited byte by byte, as what is no text. */
const textOf = (body: Uint8Array): string | undefined => {
  try {
    const decoded = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
    return decoded.includes("\r") ? undefined : decoded;
  } catch {
    return undefined;
  }
};

const Published = ({ dead, edited }: { readonly dead: DeadLetters; readonly edited: EditedDeadLetter }) => {
  const words = text();
  const { id } = edited.receipt;
  return (
    <p role="status">
      {words.published} <Name value={id} href={hrefTo(["topics", dead.topic, "messages", id])} />.{" "}
      {edited.isReplaced ? words.replaced : words.notReplaced}
    </p>
  );
};

export const EditDialog = ({ dead, letter, onDone, onClose }: EditDialogProps) => {
  const words = text();
  const before = useMemo(() => (letter.body.length > MOST ? undefined : textOf(letter.body)), [letter]);
  const isText = before !== undefined;
  const typed = useSignal(letter.body.length > MOST ? "" : (before ?? hexOf(letter.body)));
  const edited = useSignal<EditedDeadLetter | undefined>(undefined);
  const body = isText ? typed.value : bytesOf(typed.value);
  const publish = useAction(async () => {
    if (body === undefined) return;
    edited.value = await dead.edit(letter.id, body);
    await onDone();
  });
  const { value: done } = edited;
  if (letter.body.length > MOST) {
    return (
      <Dialog title={words.editTitle} onClose={onClose}>
        <p>{words.tooLong(size(letter.body.length))}</p>
      </Dialog>
    );
  }
  return (
    <Dialog title={words.editTitle} onClose={onClose} wide>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void publish.run();
        }}
      >
        {done === undefined ? (
          <>
            <p>{words.editText}</p>
            <TextField
              label={isText ? words.newBody : words.hexBody}
              value={typed.value}
              lines={LINES}
              fault={body === undefined ? words.notHex : undefined}
              onInput={(value) => {
                typed.value = value;
              }}
            />
          </>
        ) : (
          <Published dead={dead} edited={done} />
        )}
        <ErrorLine error={publish.error} />
        <footer>
          <button type="button" onClick={onClose}>
            {words.close}
          </button>
          {done === undefined && (
            <button type="submit" class="primary" disabled={body === undefined || publish.isRunning}>
              {words.publish}
            </button>
          )}
        </footer>
      </form>
    </Dialog>
  );
};
