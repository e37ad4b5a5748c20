/**
 * The dead letters of a queue, by what they have died of: to look at, to edit, to send on their way again, to purge.
 */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { StoredMessage, TopicStatistics } from "ringmq/client";
import type { PageProps } from "../../base/page.js";
import { goTo, hrefTo, route } from "../../base/route.js";
import { usePolled } from "../../broker/polled.js";
import { Confirm } from "../../parts/confirm.js";
import { ErrorLine } from "../../parts/error-line.js";
import { SelectField } from "../../parts/fields.js";
import { count } from "../../parts/format.js";
import { Loading } from "../../parts/loading.js";
import { visible } from "../../parts/name.js";
import { PageHead } from "../../parts/page-head.js";
import { TopicTabs } from "../../parts/topic-tabs.js";
import "./dead-letters.css";
import { EditDialog } from "./edit-dialog.js";
import { LetterDialog } from "./letter-dialog.js";
import { RedriveDialog } from "./redrive-dialog.js";
import { type Group, groupsOf, type Scan, scan } from "./scan.js";
import { choiceOf, type Scope, scopeName } from "./scope.js";
import { GroupTable, LetterTable } from "./tables.js";
import { text } from "./text.js";

/** The queue that is shown where none is named: the one with the most dead letters. */
const fullest = ({ queues }: TopicStatistics): string =>
  queues.reduce((most, each) => (each.deadLetters > most.deadLetters ? each : most), {
    bindKey: queues[0]?.bindKey ?? "default",
    deadLetters: 0,
  }).bindKey;

type Open =
  | { readonly what: "letter" | "edit"; readonly letter: StoredMessage }
  | { readonly what: "redrive" | "purge"; readonly scope: Scope };

interface QueueProps extends PageProps {
  readonly topic: string;
  readonly queue: string;
  /** Dead letters that there are now. */
  readonly now: number | undefined;
}

interface FoundProps extends QueueProps {
  readonly found: Scan;
  readonly onChanged: () => Promise<void>;
}

/** The group that is shown, if it is still there. */
const shownGroup = (groups: readonly Group[], key: string | undefined): Group | undefined =>
  groups.find((group) => group.key === key);

const Found = ({ client, topic, queue, found, onChanged }: FoundProps) => {
  const words = text();
  const dead = useMemo(() => client.deadLetters(topic, { queue }), [client, topic, queue]);
  const groups = useMemo(() => groupsOf(found), [found]);
  const chosen = useSignal<string | undefined>(undefined);
  const selected = useSignal<ReadonlySet<string>>(new Set());
  const open = useSignal<Open | undefined>(undefined);
  const group = shownGroup(groups, chosen.value);
  const close = (): void => {
    open.value = undefined;
  };
  const scope: Scope =
    selected.value.size > 0
      ? { kind: "ids", ids: [...selected.value] }
      : group === undefined
        ? { kind: "all" }
        : { kind: "group", key: group.key };
  const changed = async (): Promise<void> => {
    selected.value = new Set();
    await onChanged();
  };
  const { value: now } = open;
  return (
    <>
      {found.counted !== undefined && <p class="muted">{words.cut(count(found.letters.length))}</p>}
      <section class="dead-groups">
        <GroupTable
          groups={groups}
          chosen={group?.key}
          onChoose={(key) => {
            chosen.value = key === chosen.value ? undefined : key;
            selected.value = new Set();
          }}
        />
      </section>
      <div class="tools">
        <h2>{group === undefined ? words.letters : words.lettersOf}</h2>
        {group !== undefined && (
          <button
            type="button"
            class="quiet"
            onClick={() => {
              chosen.value = undefined;
            }}
          >
            {words.showAll}
          </button>
        )}
        <span class="space" />
        <button
          type="button"
          class="primary"
          onClick={() => {
            open.value = { what: "redrive", scope };
          }}
        >
          {words.redriveTitle(scopeName(scope))}…
        </button>
        <button
          type="button"
          class="danger"
          onClick={() => {
            open.value = { what: "purge", scope };
          }}
        >
          {scope.kind === "all" ? words.purgeAll : words.purge}
        </button>
      </div>
      <LetterTable
        topic={topic}
        letters={group?.letters ?? found.letters}
        selected={selected.value}
        onSelect={(ids) => {
          selected.value = ids;
        }}
        onOpen={(letter) => {
          open.value = { what: "letter", letter };
        }}
      />
      {now?.what === "letter" && (
        <LetterDialog
          topic={topic}
          letter={now.letter}
          onEdit={() => {
            open.value = { what: "edit", letter: now.letter };
          }}
          onRedrive={() => {
            open.value = { what: "redrive", scope: { kind: "ids", ids: [now.letter.id] } };
          }}
          onPurge={() => {
            open.value = { what: "purge", scope: { kind: "ids", ids: [now.letter.id] } };
          }}
          onClose={close}
        />
      )}
      {now?.what === "edit" && <EditDialog dead={dead} letter={now.letter} onDone={changed} onClose={close} />}
      {now?.what === "redrive" && <RedriveDialog dead={dead} scope={now.scope} onDone={changed} onClose={close} />}
      {now?.what === "purge" && (
        <Confirm
          title={words.purgeTitle(scopeName(now.scope))}
          deed={words.purgeDeed}
          {...(now.scope.kind === "all" ? { name: topic } : {})}
          act={async () => {
            await dead.purge(choiceOf(now.scope));
            await changed();
          }}
          onClose={close}
        >
          <p>{words.purgeText}</p>
        </Confirm>
      )}
    </>
  );
};

/** Looks through the queue once, and again when it is asked to: what somebody is at does not move under their hands. */
const Queue = (props: QueueProps) => {
  const words = text();
  const { client, topic, queue, now } = props;
  const { value, error, reload } = usePolled(
    () => scan(client.deadLetters(topic, { queue })),
    [client, topic, queue],
    Number.POSITIVE_INFINITY,
  );
  const isOld = value !== undefined && now !== undefined && value.counted === undefined && value.letters.length !== now;
  return (
    <>
      <ErrorLine error={error} />
      {isOld && (
        <p role="status" class="tools">
          {words.newer(count(now), count(value.letters.length))}
          <button type="button" onClick={() => void reload()}>
            {words.reload}
          </button>
        </p>
      )}
      {value === undefined && <Loading unless={error} />}
      {value?.letters.length === 0 && <p class="empty">{words.none}</p>}
      {value !== undefined && value.letters.length > 0 && <Found {...props} found={value} onChanged={reload} />}
    </>
  );
};

export const Page = (props: PageProps) => {
  const words = text();
  const { client, params } = props;
  const { topic = "" } = params;
  const { value: stats, error } = usePolled(() => client.stats(topic), [client]);
  const named = route.value.query.get("queue") ?? undefined;
  const queue = named ?? (stats === undefined ? undefined : fullest(stats));
  const first = useSignal<string | undefined>(undefined);
  // It stays at the queue that it began with, whichever has the most later.
  first.value ??= queue;
  const shown = named ?? first.value;
  return (
    <>
      <PageHead
        title={words.title}
        above={[
          { title: words.topics, href: hrefTo(["topics"]) },
          { title: topic, href: hrefTo(["topics", topic]) },
        ]}
      />
      <TopicTabs topic={topic} current="dead" queue={shown} />
      <ErrorLine error={error} />
      {stats !== undefined && shown !== undefined && stats.queues.length > 1 && (
        <div class="dead-queue">
          <SelectField
            label={words.queue}
            value={shown}
            options={stats.queues.map(
              ({ bindKey, deadLetters }) => [bindKey, `${visible(bindKey)} (${count(deadLetters)})`] as const,
            )}
            onInput={(next) => goTo(hrefTo(["topics", topic, "dead"], { queue: next }))}
          />
        </div>
      )}
      {shown === undefined ? (
        <Loading unless={error} />
      ) : (
        <Queue
          key={shown}
          {...props}
          topic={topic}
          queue={shown}
          now={stats?.queues.find(({ bindKey }) => bindKey === shown)?.deadLetters}
        />
      )}
    </>
  );
};
