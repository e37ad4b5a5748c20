/**
 * Makes a topic, with a queue: so it stays, used or not.
 */
import { useSignal } from "@preact/signals";
import type { Client } from "ringmq/client";
import { goTo, hrefTo } from "../../base/route.js";
import { useAction } from "../../parts/action.js";
import { Dialog } from "../../parts/dialog.js";
import { ErrorLine } from "../../parts/error-line.js";
import { TextField } from "../../parts/fields.js";
import { text } from "./text.js";

interface NewTopicProps {
  readonly client: Client;
  readonly onClose: () => void;
  readonly onMade: () => void;
}

export const NewTopic = ({ client, onClose, onMade }: NewTopicProps) => {
  const words = text();
  const name = useSignal("");
  const queue = useSignal("");
  const { run, isRunning, error } = useAction(() => client.declareQueue(name.value, queue.value));
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!(await run())) return;
    onMade();
    onClose();
    goTo(hrefTo(["topics", name.value]));
  };
  return (
    <Dialog title={words.newTitle} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <TextField
          label={words.newName}
          value={name.value}
          onInput={(value) => {
            name.value = value;
          }}
        />
        <TextField
          label={words.queue}
          hint={words.queueHint}
          value={queue.value}
          onInput={(value) => {
            queue.value = value;
          }}
        />
        <ErrorLine error={error} />
        <footer>
          <button type="button" onClick={onClose}>
            {words.cancel}
          </button>
          <button type="submit" class="primary" disabled={name.value === "" || isRunning}>
            {words.make}
          </button>
        </footer>
      </form>
    </Dialog>
  );
};
