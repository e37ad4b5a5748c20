/**
 * When the delayed messages of a queue are due.
 */
import type { Client } from "ringmq/client";
import { usePolled } from "../../broker/polled.js";
import { ErrorLine } from "../../parts/error-line.js";
import { moment } from "../../parts/format.js";
import { Histogram } from "../../parts/histogram.js";
import { text } from "./text.js";

/** How often they are counted. Milliseconds. */
const EVERY = 10_000;

/** Bars. */
const PARTS = 60;

interface DueProps {
  readonly client: Client;
  readonly topic: string;
  readonly queue: string;
  /** Counts what was done to them: they are counted anew then. */
  readonly deeds: number;
}

/** Nothing where nothing is delayed. */
export const Due = ({ client, topic, queue, deeds }: DueProps) => {
  const words = text();
  const count = () => client.delayed(topic, { queue, buckets: PARTS });
  const { value, error } = usePolled(count, [client, topic, queue, deeds], EVERY);
  if (value === undefined) return <ErrorLine error={error} />;
  const { from, to, counts, first, last } = value;
  if (first === null || last === null) return null;
  return (
    <>
      <ErrorLine error={error} />
      <Histogram
        label={words.due}
        about={words.dueBetween(moment(first), moment(last))}
        from={from}
        to={Math.max(to, from + 1)}
        counts={counts}
      />
    </>
  );
};
