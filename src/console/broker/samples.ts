/**
 * The samples of the broker: those that it had, and each that comes.
 */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { BrokerSample, Client } from "ringmq/client";

/** How long a sample is kept. Milliseconds. */
export const KEPT = 5 * 60_000;

/** The samples with another one; those that are too old by then go. */
const withSample = (samples: readonly BrokerSample[], next: BrokerSample): readonly BrokerSample[] => {
  const first = samples.findIndex(({ time }) => time > next.time - KEPT);
  return [...(first < 0 ? [] : samples.slice(first)), next];
};

export interface Samples {
  /** Of the last five minutes, the oldest first. */
  readonly samples: readonly BrokerSample[];
  /** Why none come. */
  readonly error: Error | undefined;
}

export const useSamples = (client: Client): Samples => {
  const samples = useSignal<readonly BrokerSample[]>([]);
  const error = useSignal<Error | undefined>(undefined);
  useEffect(() => {
    let isOver = false;
    let stop = (): void => {};
    const run = async (): Promise<void> => {
      const watch = await client.watch();
      stop = () => void watch.return();
      if (isOver) return stop();
      samples.value = watch.history;
      for await (const sample of watch) samples.value = withSample(samples.value, sample);
    };
    run().catch((reason: unknown) => {
      if (!isOver) error.value = reason instanceof Error ? reason : new Error(String(reason));
    });
    return () => {
      isOver = true;
      stop();
    };
  }, [client]);
  return { samples: samples.value, error: error.value };
};
