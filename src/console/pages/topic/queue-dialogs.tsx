/**
 * Making, emptying and deleting a queue.
 */
import { useSignal } from "@preact/signals";
import type { Client, MessageState, QueueStatistics } from "ringmq/client";
import { hrefTo } from "../../base/route.js";
import { useAction } from "../../parts/action.js";
import { Confirm } from "../../parts/confirm.js";
import { Dialog } from "../../parts/dialog.js";
import { ErrorLine } from "../../parts/error-line.js";
import { SelectField, TextField } from "../../parts/fields.js";
import { FormDialog } from "../../parts/form-dialog.js";
import { count } from "../../parts/format.js";
import { visible } from "../../parts/name.js";
import { text } from "./text.js";

interface DialogProps {
  readonly client: Client;
  readonly topic: string;
  readonly reload: () => Promise<void>;
  readonly onClose: () => void;
}

interface QueueDialogProps extends DialogProps {
  readonly queue: QueueStatistics;
}

export const DeclareQueue = ({ client, topic, reload, onClose }: DialogProps) => {
  const words = text();
  const queue = useSignal("");
  const declare = async (): Promise<void> => {
    await client.declareQueue(topic, queue.value);
    await reload();
  };
  return (
    <FormDialog
      title={words.declareTitle}
      deed={words.declare}
      isReady={queue.value !== ""}
      act={declare}
      onClose={onClose}
    >
      <TextField
        label={words.bindKey}
        hint={words.bindKeyHint}
        value={queue.value}
        onInput={(value) => {
          queue.value = value;
        }}
      />
    </FormDialog>
  );
};

interface ManageQueueProps extends QueueDialogProps {
  readonly onPurge: () => void;
  readonly onDelete: () => void;
}

/** All that can be done with a queue, and the ways to its messages. */
export const ManageQueue = ({ client, topic, queue, reload, onClose, onPurge, onDelete }: ManageQueueProps) => {
  const words = text();
  const { bindKey, paused } = queue;
  const { run, isRunning, error } = useAction(async () => {
    await (paused ? client.resume(topic, { queue: bindKey }) : client.pause(topic, { queue: bindKey }));
    await reload();
  });
  const toggle = async (): Promise<void> => {
    if (await run()) onClose();
  };
  return (
    <Dialog title={words.manageTitle(visible(bindKey))} onClose={onClose}>
      <div class="manage">
        <p class="tools">
          <a href={hrefTo(["topics", topic, "messages"], { queue: bindKey })}>{words.messages}</a>
          <a href={hrefTo(["topics", topic, "dead"], { queue: bindKey })}>{words.deadLetters}</a>
          <a href={hrefTo(["topics", topic, "explain"], { queue: bindKey })}>{words.explain}</a>
        </p>
        <p>{paused ? words.resumeText : words.pauseText}</p>
        <ErrorLine error={error} />
        <p class="tools">
          <button type="button" disabled={isRunning} onClick={() => void toggle()}>
            {paused ? words.resume : words.pause}
          </button>
          <button type="button" class="danger" onClick={onPurge}>
            {words.purge}
          </button>
          <button type="button" class="danger" onClick={onDelete}>
            {words.remove}
          </button>
        </p>
      </div>
    </Dialog>
  );
};

type PurgeState = MessageState | "all";

export const PurgeQueue = ({ client, topic, queue, reload, onClose }: QueueDialogProps) => {
  const words = text();
  const state = useSignal<PurgeState>("ready");
  const { bindKey, ready, delayed, inFlight, deadLetters } = queue;
  const counts: Readonly<Record<PurgeState, number>> = {
    ready,
    delayed,
    "in-flight": inFlight,
    dead: deadLetters,
    all: ready + delayed + inFlight + deadLetters,
  };
  const options = (Object.keys(counts) as PurgeState[]).map(
    (each) => [each, `${words.states[each]} (${count(counts[each])})`] as const,
  );
  return (
    <Confirm
      title={words.purgeTitle(visible(bindKey))}
      deed={words.purgeDeed}
      name={bindKey}
      act={async () => {
        await client.purge(topic, { queue: bindKey, state: state.value });
        await reload();
      }}
      onClose={onClose}
    >
      <SelectField
        label={words.purgeState}
        value={state.value}
        options={options}
        onInput={(value) => {
          state.value = value;
        }}
      />
      <p>{words.purgeText}</p>
    </Confirm>
  );
};

export const DeleteQueue = ({ client, topic, queue, reload, onClose }: QueueDialogProps) => {
  const words = text();
  const { bindKey, ready, delayed, inFlight, deadLetters } = queue;
  return (
    <Confirm
      title={words.deleteQueueTitle(visible(bindKey))}
      deed={words.deleteDeed}
      name={bindKey}
      act={async () => {
        await client.deleteQueue(topic, bindKey);
        await reload();
      }}
      onClose={onClose}
    >
      <p>{words.deleteQueueText(count(ready + delayed + inFlight + deadLetters))}</p>
    </Confirm>
  );
};
