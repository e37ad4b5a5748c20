/**
 * Publishes to a channel by hand. It stays open: one message is rarely the last.
 */
import { useSignal } from "@preact/signals";
import type { ChannelReceipt, Client, Headers } from "ringmq/client";
import { useAction } from "../../parts/action.js";
import { Dialog } from "../../parts/dialog.js";
import { ErrorLine } from "../../parts/error-line.js";
import { TextField } from "../../parts/fields.js";
import { count } from "../../parts/format.js";
import { text } from "./text.js";

interface PublishDialogProps {
  readonly client: Client;
  readonly channel: string;
  readonly onClose: () => void;
}

const LINES = { body: 8, headers: 3 };

/** Undefined: it is no JSON object. */
const headersOf = (typed: string): Headers | undefined => {
  if (typed.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(typed);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Headers) : undefined;
  } catch {
    return undefined;
  }
};

export const PublishDialog = ({ client, channel, onClose }: PublishDialogProps) => {
  const words = text();
  const body = useSignal("");
  const key = useSignal("");
  const typed = useSignal("");
  const receipt = useSignal<ChannelReceipt | undefined>(undefined);
  const headers = headersOf(typed.value);
  const publish = useAction(async () => {
    receipt.value = undefined;
    receipt.value = await client.publishToChannel(channel, body.value, {
      ...(key.value === "" ? {} : { key: key.value }),
      ...(typed.value.trim() === "" ? {} : { headers }),
    });
  });
  const { value: done } = receipt;
  return (
    <Dialog title={words.publishTitle} onClose={onClose} wide>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void publish.run();
        }}
      >
        <TextField
          label={words.body}
          value={body.value}
          lines={LINES.body}
          onInput={(value) => {
            body.value = value;
          }}
        />
        <TextField
          label={words.key}
          hint={words.keyHint}
          value={key.value}
          onInput={(value) => {
            key.value = value;
          }}
        />
        <TextField
          label={words.headers}
          hint={words.headersHint}
          value={typed.value}
          lines={LINES.headers}
          fault={headers === undefined ? words.notAnObject : undefined}
          onInput={(value) => {
            typed.value = value;
          }}
        />
        {done !== undefined && (
          <p role="status">
            {words.reached(count(done.subscribers))}
            {done.id !== undefined && ` ${words.publishedAs}: ${done.id}`}
          </p>
        )}
        <ErrorLine error={publish.error} />
        <footer>
          <button type="button" onClick={onClose}>
            {words.close}
          </button>
          <button type="submit" class="primary" disabled={headers === undefined || publish.isRunning}>
            {words.send}
          </button>
        </footer>
      </form>
    </Dialog>
  );
};
