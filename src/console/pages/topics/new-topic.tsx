/**
 * Makes a topic, with a queue: so it stays, used or not.
 */
import { useSignal } from "@preact/signals";
import type { Client } from "ringmq/client";
import { goTo, hrefTo } from "../../base/route.js";
import { TextField } from "../../parts/fields.js";
import { FormDialog } from "../../parts/form-dialog.js";
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
  const make = async (): Promise<void> => {
    await client.declareQueue(name.value, queue.value);
    onMade();
    goTo(hrefTo(["topics", name.value]));
  };
  return (
    <FormDialog title={words.newTitle} deed={words.make} isReady={name.value !== ""} act={make} onClose={onClose}>
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
    </FormDialog>
  );
};
