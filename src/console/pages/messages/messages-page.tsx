/**
 * The messages of a topic: looking at them, searching, publishing and popping by hand.
 */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Client, MessageState, QueueStatistics, TopicStatistics } from "ringmq/client";
import type { PageProps } from "../../base/page.js";
import { goTo, hrefTo, route } from "../../base/route.js";
import { usePolled } from "../../broker/polled.js";
import { ErrorLine } from "../../parts/error-line.js";
import { SelectField } from "../../parts/fields.js";
import { count } from "../../parts/format.js";
import { Loading } from "../../parts/loading.js";
import { visible } from "../../parts/name.js";
import { PageHead } from "../../parts/page-head.js";
import { TopicTabs } from "../../parts/topic-tabs.js";
import { Due } from "./due.js";
import { HeldList, Pop } from "./held.js";
import { HeldMessages } from "./held-messages.js";
import type { ListedMessage } from "./listed-message.js";
import { MessageDialog } from "./message-dialog.js";
import { MessageTable } from "./message-table.js";
import { Peek } from "./peek.js";
import { Publish } from "./publish.js";
import { Search } from "./search.js";
import { text } from "./text.js";
import "./messages.css";

const STATES: readonly MessageState[] = ["ready", "delayed", "in-flight", "dead"];

const isState = (value: string | null): value is MessageState => STATES.some((state) => state === value);

const countOf = ({ ready, delayed, inFlight, deadLetters }: QueueStatistics, state: MessageState): number =>
  ({ ready, delayed, "in-flight": inFlight, dead: deadLetters })[state];

const holds = (queue: QueueStatistics): number => STATES.reduce((sum, state) => sum + countOf(queue, state), 0);

/** The queue that is shown where none was asked for: the default one, unless others have messages and it has none. */
const firstOf = ({ queues }: TopicStatistics): string => {
  const byDefault = queues.find(({ bindKey }) => bindKey === "default");
  if (byDefault !== undefined && holds(byDefault) > 0) return byDefault.bindKey;
  return (queues.find((queue) => holds(queue) > 0) ?? byDefault ?? queues[0])?.bindKey ?? "default";
};

/** What is open above the page. */
type Open = "publish" | "pop";

interface ViewProps {
  readonly client: Client;
  readonly topic: string;
  readonly stats: TopicStatistics;
  readonly queue: string;
  readonly state: MessageState;
  readonly open: Signal<Open | undefined>;
  readonly reload: () => Promise<void>;
}

const Choices = ({ topic, stats, queue, state }: ViewProps) => {
  const words = text();
  const chosen = stats.queues.find(({ bindKey }) => bindKey === queue);
  const names = stats.queues.map(({ bindKey }) => bindKey);
  const show = (next: { readonly queue?: string; readonly state?: MessageState }): void =>
    goTo(hrefTo(["topics", topic, "messages"], { queue, state, ...next }));
  return (
    <div class="choices-row">
      <SelectField
        label={words.queue}
        value={queue}
        options={(names.includes(queue) ? names : [queue, ...names]).map((name) => [name, visible(name)] as const)}
        onInput={(next) => show({ queue: next })}
      />
      <fieldset class="choice" aria-label={words.stateLabel}>
        {STATES.map((each) => (
          <button key={each} type="button" aria-pressed={each === state} onClick={() => show({ state: each })}>
            {words.states[each]} <span class="muted">{chosen === undefined ? "" : count(countOf(chosen, each))}</span>
          </button>
        ))}
      </fieldset>
    </div>
  );
};

const View = (props: ViewProps) => {
  const words = text();
  const { client, topic, stats, queue, state, open, reload } = props;
  const held = useMemo(() => new HeldMessages(client, topic), [client, topic]);
  useEffect(() => {
    const leave = (): void => held.leave();
    addEventListener("pagehide", leave);
    return () => {
      removeEventListener("pagehide", leave);
      leave();
    };
  }, [held]);
  const found = useSignal<readonly ListedMessage[] | undefined>(undefined);
  const opened = useSignal<ListedMessage | undefined>(undefined);
  /** Counts what was done: the list is looked at anew. */
  const deeds = useSignal(0);
  const done = async (): Promise<void> => {
    deeds.value += 1;
    await reload();
  };
  const close = (): void => {
    open.value = undefined;
  };
  const chosen = stats.queues.find(({ bindKey }) => bindKey === queue);
  const { ttr, mode } = stats.config;
  return (
    <>
      <Search
        client={client}
        topic={topic}
        queue={queue}
        found={found.value}
        onFound={(rows) => {
          found.value = rows;
        }}
      />
      {held.all.value.length > 0 && (
        <HeldList
          held={held}
          ttr={ttr}
          onOpen={({ message, queue: from }) => {
            opened.value = { message, queue: from, state: "in-flight" };
          }}
          onDone={() => void done()}
        />
      )}
      {found.value === undefined ? (
        <>
          <Choices {...props} />
          {state === "delayed" && <Due client={client} topic={topic} queue={queue} deeds={deeds.value} />}
          <Peek
            key={`${queue} ${state}`}
            client={client}
            topic={topic}
            queue={queue}
            state={state}
            deeds={deeds.value}
            onDone={done}
            all={chosen === undefined ? 0 : countOf(chosen, state)}
          />
        </>
      ) : (
        <MessageTable
          label={words.found}
          rows={found.value}
          onOpen={(row) => {
            opened.value = row;
          }}
          empty={words.notFound}
        />
      )}
      {opened.value !== undefined && (
        <MessageDialog
          client={client}
          topic={topic}
          listed={opened.value}
          onDone={done}
          onClose={() => {
            opened.value = undefined;
          }}
        />
      )}
      {open.value === "publish" && (
        <Publish
          client={client}
          topic={topic}
          routeKey={mode === "exact" && queue !== "default" ? queue : ""}
          onPublished={done}
          onClose={close}
        />
      )}
      {open.value === "pop" && (
        <Pop held={held} queue={queue} isDead={state === "dead"} ttr={ttr} onDone={() => void done()} onClose={close} />
      )}
    </>
  );
};

export const Page = ({ client, params }: PageProps) => {
  const words = text();
  const { topic = "" } = params;
  const { query } = route.value;
  const { value: stats, error, reload } = usePolled(() => client.stats(topic), [client, topic]);
  const open = useSignal<Open | undefined>(undefined);
  const isThere = stats !== undefined;
  const first = useMemo(() => (stats === undefined ? "default" : firstOf(stats)), [isThere]);
  const queue = query.get("queue") ?? first;
  const asked = query.get("state");
  const state = isState(asked) ? asked : "ready";
  return (
    <>
      <PageHead
        title={words.title}
        above={[
          { title: words.topics, href: hrefTo(["topics"]) },
          { title: topic, href: hrefTo(["topics", topic]) },
        ]}
      >
        {(["pop", "publish"] as const).map((each) => (
          <button
            key={each}
            type="button"
            class={each === "publish" ? "primary" : ""}
            disabled={!isThere}
            onClick={() => {
              open.value = each;
            }}
          >
            {words[each]}
          </button>
        ))}
      </PageHead>
      <TopicTabs topic={topic} current="messages" queue={query.get("queue") ?? undefined} />
      <ErrorLine error={error} />
      {stats === undefined ? (
        <Loading unless={error} />
      ) : (
        <View {...{ client, topic, stats, queue, state, open, reload }} />
      )}
    </>
  );
};
