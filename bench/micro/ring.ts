/**
 * The ring alone: messages per second from one thread to another, and the time of a round trip. Both threads block
 * (`wait`), or this one has an event loop (`waitAsync`), as in a broker.
 *
 *     node build/bench/micro/ring.js [spins]
 */
import { Worker } from "node:worker_threads";
import { packEnvelope } from "#channel/envelope.js";
import { allocateRing } from "#channel/ring.js";
import { RingReader } from "#channel/ring-reader.js";
import { RingWriter } from "#channel/ring-writer.js";
import { monotonicMicros } from "../measure/clock.js";
import { Histogram } from "../measure/histogram.js";
import type { PeerData } from "./ring-peer.js";

const CAPACITY = 8 * 1024 * 1024;
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
const FOREVER = Number.POSITIVE_INFINITY;
const RUNS = 5;
const ROUND_TRIPS = 20_000;
const SIZES: readonly (readonly [name: string, bytes: number, messages: number])[] = [
  ["64 B", 64, 3_000_000],
  ["1 KiB", 1024, 1_000_000],
  ["26 KiB", 200 * 132, 100_000],
  ["64 KiB", 64 * 1024, 40_000],
  ["4 MiB in fragments", 4 * 1024 * 1024, 500],
];

const spins = Number(process.argv[2] ?? 0);
const nothing = new Uint8Array(0);
const envelope = Uint8Array.from(packEnvelope([1, 1]));
const last = Uint8Array.from(packEnvelope([255, 0]));
const ignore = (): void => undefined;

interface Peer {
  readonly writer: RingWriter;
  readonly reader: RingReader;
}

/** Runs `measure` with a thread in the given role, and waits for that thread to end. */
const withPeer = async <T>(role: PeerData["role"], measure: (peer: Peer) => T | Promise<T>): Promise<T> => {
  const data: PeerData = {
    role,
    inbox: allocateRing(CAPACITY),
    outbox: allocateRing(CAPACITY),
    spins,
    maxMessageBytes: MAX_MESSAGE_BYTES,
  };
  const thread = new Worker(new URL("./ring-peer.js", import.meta.url), { workerData: data });
  const ended = new Promise<void>((resolve, reject) => thread.once("error", reject).once("exit", () => resolve()));
  await new Promise((resolve) => thread.once("online", resolve));
  const writer = new RingWriter(data.inbox);
  const reader = new RingReader(data.outbox, MAX_MESSAGE_BYTES, { spins });
  const result = await measure({ writer, reader });
  if (role === "echo") {
    writer.tryWrite(last, nothing, 0, 0);
    reader.wait(FOREVER);
  }
  await ended;
  return result;
};

interface Rate {
  readonly messagesPerSecond: number;
  /** CPU time of both threads for each message. */
  readonly cpuNanos: number;
}

const transfer = (bytes: number, messages: number): Promise<Rate> =>
  withPeer("sink", ({ writer, reader }) => {
    const payload = new Uint8Array(bytes).fill(7);
    const write = (head: Uint8Array): void => {
      while (!writer.tryWrite(head, payload, 0, bytes)) writer.waitWritable(FOREVER);
    };
    // The first tenth warms up the code and is not measured.
    for (let i = 0; i < messages / 10; i++) write(envelope);
    const start = monotonicMicros();
    const cpu = process.cpuUsage();
    for (let i = 0; i < messages; i++) write(envelope);
    write(last);
    reader.wait(FOREVER);
    const { user, system } = process.cpuUsage(cpu);
    return {
      messagesPerSecond: messages / ((monotonicMicros() - start) / 1e6),
      cpuNanos: ((user + system) * 1000) / messages,
    };
  });

const roundTrips = (isAsync: boolean): Promise<Histogram> =>
  withPeer("echo", async ({ writer, reader }) => {
    const histogram = new Histogram();
    for (let i = 0; i < ROUND_TRIPS * 1.1; i++) {
      const start = monotonicMicros();
      writer.tryWrite(envelope, nothing, 0, 0);
      if (isAsync) await reader.whenReadable();
      else reader.wait(FOREVER);
      reader.drain(ignore, 1);
      if (i > ROUND_TRIPS * 0.1) histogram.record(monotonicMicros() - start);
    }
    return histogram;
  });

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

process.stdout.write(`ring of ${CAPACITY / 1024 / 1024} MiB, ${spins} spins, medians of ${RUNS} runs\n`);
for (const [name, bytes, messages] of SIZES) {
  const runs: Rate[] = [];
  for (let run = 0; run < RUNS; run++) runs.push(await transfer(bytes, messages));
  const rate = median(runs.map((run) => run.messagesPerSecond));
  const cpu = median(runs.map((run) => run.cpuNanos));
  const columns = [
    name.padEnd(19),
    `${Math.round(rate).toLocaleString("en").padStart(10)} messages/s`,
    `${((rate * bytes) / 1e9).toFixed(2).padStart(5)} GB/s`,
    `${Math.round(cpu).toLocaleString("en").padStart(9)} ns of CPU per message`,
  ];
  process.stdout.write(`${columns.join("  ")}\n`);
}
for (const [name, isAsync] of [
  ["wait / wait", false],
  ["waitAsync / wait", true],
] as const) {
  const runs: Histogram[] = [];
  for (let run = 0; run < RUNS; run++) runs.push(await roundTrips(isAsync));
  const at = (quantile: number): string => median(runs.map((run) => run.quantile(quantile))).toFixed(1);
  process.stdout.write(`round trip, ${name.padEnd(17)} p50 ${at(0.5)} µs  p99 ${at(0.99)} µs\n`);
}
