/**
 * A topic: how it gets on, its queues, who consumes from it, and its settings.
 */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { TopicStatistics } from "ringmq/client";
import type { PageProps } from "../../base/page.js";
import { goTo, hrefTo } from "../../base/route.js";
import { usePolled } from "../../broker/polled.js";
import type { TopicLook } from "../../broker/topic-look.js";
import { Findings } from "../../findings/findings.js";
import { Chart } from "../../parts/chart.js";
import { Confirm } from "../../parts/confirm.js";
import { ErrorLine } from "../../parts/error-line.js";
import { bytes, count, moment, rate } from "../../parts/format.js";
import { Loading } from "../../parts/loading.js";
import { visible } from "../../parts/name.js";
import { PageHead } from "../../parts/page-head.js";
import { TopicTabs } from "../../parts/topic-tabs.js";
import { Consumers } from "./consumers.js";
import { Queues } from "./queues.js";
import { historyOf, type RateHistory, SPAN } from "./rate-history.js";
import { SettingsForm } from "./settings-form.js";
import { text, type Words } from "./text.js";
import "./topic.css";

/** How often it is asked for. Milliseconds. */
const EVERY = 1_000;

const holds = ({ ready, delayed, inFlight, dead }: TopicLook): number => ready + delayed + inFlight + dead;

const Figures = ({ stats, look, words }: Pick<ViewProps, "stats" | "look"> & { readonly words: Words }) => {
  const size = stats.queues.reduce((sum, queue) => sum + queue.bytes, 0);
  const figures: readonly (readonly [string, string])[] = [
    [words.ready, count(look.ready)],
    [words.inFlight, count(look.inFlight)],
    [words.delayed, count(look.delayed)],
    [words.dead, count(look.dead)],
    [words.bytes, bytes(size)],
    [words.consumers, count(look.consumers)],
  ];
  const counters: readonly (readonly [string, string])[] = [
    [words.published, count(stats.published)],
    [words.delivered, count(stats.delivered)],
    [words.acked, count(stats.acked)],
    [words.retried, count(stats.retried)],
    [words.expired, count(stats.expired)],
    [words.dropped, count(stats.dropped)],
    [words.since, moment(stats.startTime)],
  ];
  return (
    <section class="card figures">
      <dl class="large">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <dl>
        {counters.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
};

interface ViewProps {
  readonly client: PageProps["client"];
  readonly topic: string;
  readonly stats: TopicStatistics;
  readonly look: TopicLook;
  readonly history: RateHistory;
  readonly reload: () => Promise<void>;
}

const View = ({ client, topic, stats, look, history, reload }: ViewProps) => {
  const words = text();
  return (
    <>
      <Figures stats={stats} look={look} words={words} />
      <Findings client={client} topic={topic} isBrief />
      <Chart
        label={words.rates}
        times={history.times}
        series={[
          { label: words.published, values: history.incoming },
          { label: words.delivered, values: history.outgoing },
          { label: words.acked, values: history.done },
        ]}
        format={rate}
        span={SPAN}
      />
      <Queues client={client} topic={topic} queues={stats.queues} reload={reload} />
      <Consumers client={client} topic={topic} />
      <SettingsForm client={client} topic={topic} config={stats.config} onSaved={reload} />
    </>
  );
};

export const Page = ({ client, params }: PageProps) => {
  const words = text();
  const { topic = "" } = params;
  const history = useMemo(() => historyOf(client, topic), [client, topic]);
  const look = async () => {
    const stats = await client.stats(topic);
    return { stats, look: history.add(stats, Date.now(), performance.now()) };
  };
  const { value, error, reload } = usePolled(look, [client, topic], EVERY);
  const isDeleting = useSignal(false);
  return (
    <>
      <PageHead title={topic} above={[{ title: words.topics, href: hrefTo(["topics"]) }]}>
        {value !== undefined && (
          <button
            type="button"
            class="danger"
            onClick={() => {
              isDeleting.value = true;
            }}
          >
            {words.deleteTopic}
          </button>
        )}
      </PageHead>
      <TopicTabs topic={topic} current="topic" />
      <ErrorLine error={error} />
      {value === undefined ? (
        <Loading unless={error} />
      ) : (
        <View {...value} client={client} topic={topic} history={history} reload={reload} />
      )}
      {isDeleting.value && value !== undefined && (
        <Confirm
          title={words.deleteTopicTitle(visible(topic))}
          deed={words.deleteDeed}
          name={topic}
          act={async () => {
            await client.deleteTopic(topic);
            goTo(hrefTo(["topics"]));
          }}
          onClose={() => {
            isDeleting.value = false;
          }}
        >
          <p>{words.deleteTopicText(count(holds(value.look)))}</p>
        </Confirm>
      )}
    </>
  );
};
