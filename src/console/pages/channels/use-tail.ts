/**
 * Follows a channel as long as somebody looks.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { ChannelStatistics, Client, SubscribeOptions, Subscription } from "ringmq/client";
import { TailBuffer } from "./tail-buffer.js";

/** Lines that are shown, at most. */
export const MOST_LINES = 500;

/** How often what has come is shown. Milliseconds. */
const EVERY = 250;

/** The rate is measured over so many of them. */
const RATE_TICKS = 8;

export interface Tail {
  readonly buffer: TailBuffer;
  /** Messages a second, of the last two seconds. */
  readonly rate: number;
  /** Messages that the broker has dropped because this did not keep up. */
  readonly lost: number;
  /** Why nothing comes any more; undefined: it goes on. */
  readonly error: Error | undefined;
}

interface TailOptions {
  readonly client: Client;
  readonly channel: string;
  /** Messages from before that are shown first, where there are some. */
  readonly last: number;
  readonly isPaused: boolean;
  readonly filter: string;
}

const startOf = ({ first, next, epoch }: ChannelStatistics, last: number): SubscribeOptions["from"] => ({
  position: Math.max(first, next - last),
  epoch,
});

const subscribe = async ({ client, channel, last }: TailOptions): Promise<Subscription> => {
  if (last === 0) return client.subscribe(channel, { from: "now" });
  // One that is not there has nothing from before.
  const stats = await client.channelStats(channel).catch(() => undefined);
  const from = stats === undefined || stats.messages === 0 ? "now" : startOf(stats, last);
  return client.subscribe(channel, { from });
};

export const useTail = (options: TailOptions): Tail => {
  const { client, channel, last, isPaused, filter } = options;
  const buffer = useMemo(() => new TailBuffer(MOST_LINES), [client, channel, last]);
  const state = useSignal({ rate: 0, lost: 0, error: undefined as Error | undefined });
  useEffect(() => {
    let isOver = false;
    let subscription: Subscription | undefined;
    state.value = { rate: 0, lost: 0, error: undefined };
    const follow = async (): Promise<void> => {
      subscription = await subscribe(options);
      if (isOver) return void subscription.return();
      for await (const message of subscription) buffer.add(message, Date.now());
    };
    follow().catch((error: unknown) => {
      if (!isOver) state.value = { ...state.value, error: error as Error };
    });
    const counts: { readonly time: number; readonly passed: number }[] = [];
    const timer = setInterval(() => {
      const { passed } = buffer;
      const time = performance.now();
      counts.push({ time, passed });
      if (counts.length > RATE_TICKS) counts.shift();
      const [first = { time, passed }] = counts;
      const rate = time > first.time ? ((passed - first.passed) * 1_000) / (time - first.time) : 0;
      state.value = { rate, lost: subscription?.lost ?? 0, error: state.value.error };
    }, EVERY);
    return () => {
      isOver = true;
      clearInterval(timer);
      subscription?.return().catch(() => {});
    };
  }, [client, channel, last, buffer]);
  // Each new state draws this again.
  const { value: now } = state;
  // Before it is drawn: what does not match is not seen for a moment either.
  useMemo(() => {
    buffer.filter = filter;
  }, [buffer, filter]);
  if (isPaused) buffer.skip();
  else buffer.show();
  return { buffer, ...now };
};
