/**
 * One message: all that is known of it, its body, and what can be done with it in its state.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import type { Client, Settlement, StoredMessage } from "ringmq/client";
import { hrefTo } from "../../base/route.js";
import { useAction } from "../../parts/action.js";
import { BodyView } from "../../parts/body-view.js";
import { Dialog } from "../../parts/dialog.js";
import { ErrorLine } from "../../parts/error-line.js";
import { DurationField } from "../../parts/fields.js";
import { count, moment } from "../../parts/format.js";
import { HeaderList } from "../../parts/header-list.js";
import { publishedAt } from "../../parts/message-id.js";
import { Name, visibleLines } from "../../parts/name.js";
import type { ListedMessage } from "./listed-message.js";
import { text } from "./text.js";

interface MessageDialogProps {
  readonly client: Client;
  readonly topic: string;
  readonly listed: ListedMessage;
  /** Something was done: what is shown below is not as it was. */
  readonly onDone: () => Promise<void>;
  readonly onClose: () => void;
}

/** What has not been done is an error, with the code of the first fault. */
const settled = async (settling: Promise<Settlement>, refusal: string): Promise<void> => {
  const { faults } = await settling;
  const [fault] = faults;
  if (fault !== undefined) throw Object.assign(new Error(refusal), { code: fault.code });
};

const Deeds = ({ client, topic, listed, onDone, onClose }: MessageDialogProps) => {
  const words = text();
  const delay = useSignal<number | undefined>(60_000);
  const { message, queue, state } = listed;
  const { id } = message;
  const { run, isRunning, error } = useAction(async (act: () => Promise<unknown>) => {
    await act();
    await onDone();
  });
  const deed = (name: string, act: () => Promise<unknown>, kind = "", isPossible = true) => (
    <button
      type="button"
      class={kind}
      disabled={isRunning || !isPossible}
      onClick={() => void run(act).then((isDone) => isDone && onClose())}
    >
      {name}
    </button>
  );
  const settle = (settling: () => Promise<Settlement>) => () => settled(settling(), words.notDone);
  const where = { queue };
  let deeds: ComponentChildren;
  switch (state) {
    case "ready":
      return null;
    case "delayed":
      deeds = (
        <>
          {deed(
            words.runNow,
            settle(() => client.runNow(topic, id, where)),
            "primary",
          )}
          <DurationField
            label={words.delayFromNow}
            value={delay.value}
            onInput={(value) => {
              delay.value = value;
            }}
          />
          {deed(
            words.reschedule,
            settle(() => client.reschedule(topic, id, delay.value ?? 0, where)),
            "",
            delay.value !== undefined,
          )}
          {deed(
            words.cancelMessage,
            settle(() => client.cancel(topic, id, where)),
            "danger",
          )}
        </>
      );
      break;
    case "dead":
      deeds = (
        <>
          {deed(
            words.redrive,
            settle(() => client.redrive(topic, { queue, ids: id })),
            "primary",
          )}
          {deed(
            words.drop,
            async () => {
              const dropped = await client.purge(topic, { queue, state: "dead", ids: id });
              if (dropped === 0) throw new Error(words.notDone);
            },
            "danger",
          )}
        </>
      );
      break;
    case "in-flight":
      deeds = (
        <>
          {deed(
            words.ackIt,
            settle(() => client.ackById(topic, id, where)),
          )}
          {deed(
            words.nackIt,
            settle(() => client.nackById(topic, id, where)),
          )}
          <small class="muted">{words.inFlightText}</small>
        </>
      );
  }
  return (
    <>
      <div class="tools message-deeds">{deeds}</div>
      <ErrorLine error={error} />
    </>
  );
};

const Failures = ({ message }: { readonly message: StoredMessage }) => {
  const words = text();
  if (message.failures.length === 0) return null;
  return (
    <section>
      <h3>{words.failures}</h3>
      <ol class="message-failures">
        {message.failures.map(({ number, time, kind, consumer, reason }) => (
          <li key={number} value={number}>
            <span class="tag warn">{words.kindsOfFailure[kind]}</span> {moment(time)} <Name value={consumer} />
            {reason !== "" && <pre>{visibleLines(reason)}</pre>}
          </li>
        ))}
      </ol>
    </section>
  );
};

/** What it says of itself, and of where it is. */
export const MessageFacts = ({ listed, topic }: { readonly listed: ListedMessage; readonly topic: string }) => {
  const words = text();
  const { message, queue, state } = listed;
  const read = useMemo(() => () => message.headers, [message]);
  const facts: readonly (readonly [string, ComponentChildren])[] = [
    [words.queue, <Name key="queue" value={queue} />],
    [words.state, words.states[state]],
    [words.published, moment(publishedAt(message.id))],
    ...(message.time > 0 ? [[words.times[state], moment(message.time)] as const] : []),
    ...(message.deadReason === undefined ? [] : [[words.deadReason, words.reasons[message.deadReason]] as const]),
    [words.retry, count(message.retry)],
    [words.routeKey, message.routeKey === "" ? words.none : <Name key="route" value={message.routeKey} />],
  ];
  return (
    <>
      <dl class="facts">
        {facts.map(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={`${name} value`}>{value}</dd>])}
        <dt>{words.biography}</dt>
        <dd>
          <a href={hrefTo(["topics", topic, "messages", message.id])}>{message.id}</a>
        </dd>
      </dl>
      <Failures message={message} />
      <HeaderList read={read} />
    </>
  );
};

export const MessageDialog = (props: MessageDialogProps) => {
  const words = text();
  const { topic, listed, onClose } = props;
  const { message } = listed;
  return (
    <Dialog title={words.messageTitle(message.id)} onClose={onClose} wide>
      <div class="message">
        <MessageFacts listed={listed} topic={topic} />
        <BodyView bytes={message.body} fileName={`${message.id}.bin`} />
        <Deeds {...props} />
      </div>
    </Dialog>
  );
};
