/** What `ringmq bench` does. */
import { randomUUID } from "node:crypto";
import type { Client, Receipt } from "../../client/index.js";
import { stopOnSignals } from "../signals.js";
import { formatSize } from "../units.js";
import type { BenchFlags } from "./bench.js";
import { CommandError } from "./broker-command.js";
import { write, writeJson } from "./output.js";
import { Sending } from "./sending.js";

/** Publishes one at a time: enough for a percentile, few enough for a slow disk. */
const SINGLE = 200;

/** Milliseconds after which the slow part is told enough. */
const SINGLE_TIME = 3_000;

interface Figures {
  readonly messages: number;
  readonly bytes: number;
  readonly durability: string;
  /** Milliseconds until a publish that is alone is confirmed. */
  readonly confirmP50: number;
  readonly confirmP99: number;
  /** Messages a second. */
  readonly published: number;
  readonly consumed: number;
}

export const bench = async (client: Client, { messages, size, durability, json }: BenchFlags): Promise<void> => {
  const topic = `ringmq-bench-${randomUUID()}`;
  const stopping = stopOnSignals();
  await client.configure(topic, { ...(durability !== undefined && { durability }) });
  try {
    const body = new Uint8Array(size).fill(120);
    const { p50, p99, level } = await publishAlone(client, topic, body, stopping);
    await client.purge(topic);
    const published = await publishAhead(client, topic, body, messages, stopping);
    // What was not published would be waited for.
    failIfStopped(stopping);
    const consumed = await consumeAll(client, topic, messages, stopping);
    failIfStopped(stopping);
    const figures = { messages, bytes: size, durability: level, confirmP50: p50, confirmP99: p99, published, consumed };
    await (json ? writeJson(figures) : write(figuresText(figures)));
  } finally {
    await client.deleteTopic(topic).catch(() => {});
  }
};

const failIfStopped = ({ aborted }: AbortSignal): void => {
  if (aborted) throw new CommandError("stopped before it was through");
};

const grouped = (value: number): string => Math.round(value).toLocaleString("en-US");

const figuresText = (figures: Figures): string => {
  const { messages, bytes, durability, confirmP50, confirmP99, published, consumed } = figures;
  return `${grouped(messages)} messages of ${formatSize(bytes)}, confirmed at ${durability}
published       ${grouped(published).padStart(12)}/s
taken and acked ${grouped(consumed).padStart(12)}/s
a confirm takes ${confirmP50.toFixed(2).padStart(12)} ms, or ${confirmP99.toFixed(2)} ms in one of a hundred
`;
};

const publishAlone = async (
  client: Client,
  topic: string,
  body: Uint8Array,
  stopping: AbortSignal,
): Promise<{ readonly p50: number; readonly p99: number; readonly level: string }> => {
  const times: number[] = [];
  let level = "";
  const begin = performance.now();
  for (let at = begin; times.length < SINGLE && at - begin < SINGLE_TIME && !stopping.aborted; ) {
    level = (await client.publish(topic, body)).durability;
    const now = performance.now();
    times.push(now - at);
    at = now;
  }
  times.sort((one, other) => one - other);
  const at = (part: number): number => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), level };
};

/** Messages a second. */
const publishAhead = async (
  client: Client,
  topic: string,
  body: Uint8Array,
  messages: number,
  stopping: AbortSignal,
): Promise<number> => {
  const sending = new Sending<Receipt>(client, "number", () => {});
  const begin = performance.now();
  for (let sent = 1; sent <= messages && !stopping.aborted && sending.exitCode === 0; sent++) {
    sending.add({ first: sent, count: 1, bytes: body.length }, client.publish(topic, body));
    if (!sending.isReady) await sending.ready();
  }
  await sending.flush();
  if (sending.failure !== undefined) throw new CommandError(sending.failure, sending.exitCode);
  return (messages / (performance.now() - begin)) * 1_000;
};

/** Messages a second. */
const consumeAll = async (client: Client, topic: string, messages: number, stopping: AbortSignal): Promise<number> => {
  const begin = performance.now();
  const consumer = await client.consume(topic);
  const stop = (): void => void consumer.stop();
  stopping.addEventListener("abort", stop, { once: true });
  if (stopping.aborted) stop();
  let left = messages;
  let acked: Promise<unknown> = Promise.resolve();
  for await (const batch of consumer.batches()) {
    acked = batch.ack();
    left -= batch.size;
    if (left <= 0) break;
  }
  await acked;
  return ((messages - left) / (performance.now() - begin)) * 1_000;
};
