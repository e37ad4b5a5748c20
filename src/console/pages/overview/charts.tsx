/**
 * The last minutes of the broker.
 */
import { useMemo } from "preact/hooks";
import type { BrokerSample } from "ringmq/client";
import { rates } from "../../broker/rates.js";
import { Chart } from "../../parts/chart.js";
import { age, rate, shortCount } from "../../parts/format.js";
import { text } from "./text.js";

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];

/** Steps of a scale of ages, as clocks have them; milliseconds. */
const AGES = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000].map((count) => count * DAY),
];

interface ChartsProps {
  readonly samples: readonly BrokerSample[];
  /** Seconds that are shown. */
  readonly span: number;
}

export const Charts = ({ samples, span }: ChartsProps) => {
  const words = text();
  const data = useMemo(() => {
    const shown = samples.slice(-(span + 2));
    const rateOf = (counter: (sample: BrokerSample) => number) => rates(shown, counter);
    return {
      times: shown.map(({ time }) => time / 1_000),
      published: rateOf(({ published }) => published),
      delivered: rateOf(({ delivered }) => delivered),
      acked: rateOf(({ acked }) => acked),
      redelivered: rateOf(({ redelivered }) => redelivered),
      deadLettered: rateOf(({ deadLettered }) => deadLettered),
      expired: rateOf(({ expired }) => expired),
      ready: shown.map(({ ready }) => ready),
      inFlight: shown.map(({ inFlight }) => inFlight),
      delayed: shown.map(({ delayed }) => delayed),
      age: shown.map(({ oldestReadyAge }) => oldestReadyAge),
    };
  }, [samples, span]);
  const { times } = data;
  return (
    <div class="charts">
      <Chart
        label={words.throughput}
        times={times}
        span={span}
        format={rate}
        series={[
          { label: words.published, values: data.published },
          { label: words.delivered, values: data.delivered },
          { label: words.acked, values: data.acked },
        ]}
      />
      <Chart
        label={words.backlog}
        times={times}
        span={span}
        format={shortCount}
        series={[
          { label: words.ready, values: data.ready },
          { label: words.inFlight, values: data.inFlight },
          { label: words.delayed, values: data.delayed },
        ]}
      />
      <Chart
        label={words.waiting}
        times={times}
        span={span}
        format={age}
        steps={AGES}
        least={1_000}
        series={[{ label: words.age, values: data.age }]}
      />
      <Chart
        label={words.failures}
        times={times}
        span={span}
        format={rate}
        series={[
          { label: words.redelivered, values: data.redelivered },
          { label: words.deadLettered, values: data.deadLettered },
          { label: words.expired, values: data.expired },
        ]}
      />
    </div>
  );
};
