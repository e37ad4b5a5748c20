/**
 * Random input on the line protocol. A run has twenty clients at once: RINGMQ_FUZZ_RUNS=50000 are a million inputs.
 */
import { connect } from "node:net";
import fc from "fast-check";
import { expect, it, onTestFinished } from "vitest";
import type { Log } from "../../src/main/log.js";
import { element, LineReader, send, sized, u32 } from "../conformance/gmq-line-wire.js";
import { testBroker } from "./brokers.js";

const RUNS = Number(process.env["RINGMQ_FUZZ_RUNS"] ?? 150);
const CLIENTS = 20;

const word = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("t", "default", "0", "1", "2", "5", "", "other", "c") },
  fc.constantFrom("259201", "-1", "18446744073709551616", "\xff", "\0", "n".repeat(300), "1000"),
  fc.string({ maxLength: 12 }),
);

const name = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.constantFrom("pub", "mpub", "pop", "ack", "dead", "set", "queue", "subscribe", "publish", "ping"),
  },
  fc.string({ maxLength: 8 }),
);

const line = fc
  .tuple(name, fc.array(word, { maxLength: 6 }), fc.constantFrom("\n", "\n", "\n", "\r\n", ""))
  .map(([first, rest, end]) => [first, ...rest].join(" ") + end);

const bytes = fc.uint8Array({ maxLength: 40 }).map((some) => Buffer.from(some).toString("latin1"));

/** What follows a line. A length may claim anything. */
const part = fc.oneof(
  { weight: 6, arbitrary: bytes.map(sized) },
  fc.string({ maxLength: 20 }).map((body) => element(Buffer.from(body).toString("latin1"))),
  fc.tuple(fc.nat({ max: 1_000 }), bytes).map(([delay, body]) => u32(delay) + sized(body)),
  fc.tuple(fc.nat({ max: 0xffff_ffff }), bytes).map(([length, body]) => u32(length) + body),
);

/** Lines whose queue is not empty for long, so that pops wait now and then. */
const sensible = fc.constantFrom(
  `pub t  0\n${sized("body")}`,
  `pub t  0\n${sized("body")}`,
  "pop t default\n",
  "pop t\n",
  "ack 1 t default\n",
  "subscribe c\n",
  `publish c\n${sized("news")}`,
  `mpub t 2\n${element("a")}${element("b")}`,
);

const input = fc.record({
  pieces: fc.array(fc.oneof({ weight: 3, arbitrary: line }, { weight: 3, arbitrary: sensible }, part, bytes), {
    maxLength: 12,
  }),
  cut: fc.nat({ max: 10 }),
  /** Bytes written at a time. */
  step: fc.oneof({ weight: 8, arbitrary: fc.constant(1_000) }, fc.constantFrom(1, 7)),
  /** How it goes: it ends its side and reads what comes, or it is gone. */
  isGone: fc.boolean(),
});

type Input = typeof input extends fc.Arbitrary<infer T> ? T : never;

const TYPES = [101, 102, 103, 104, 105];

const disturb = async (port: number, { pieces, cut, step, isGone }: Input): Promise<void> => {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  const reader = new LineReader(socket);
  const all = pieces.join("");
  // So that it is this protocol, whatever comes then.
  const said = `ping x\n${all.slice(0, Math.max(0, all.length - cut))}`;
  for (let at = 0; at < said.length && !reader.hasEnded; at += step) await send(socket, said.slice(at, at + step));
  if (isGone) socket.destroy();
  else socket.end();
  for (let response = await reader.next(); response !== undefined; response = await reader.next()) {
    expect(TYPES).toContain(response[0]);
  }
  if (!isGone) expect(reader.rest).toBe(0);
  socket.destroy();
};

it("answers whole responses or closes, holds nothing afterwards, and others do not notice", {
  timeout: 0,
}, async () => {
  const faults: unknown[] = [];
  const note = (what: object, text: string): void => void faults.push([what, text]);
  const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: note };
  const limits = { maxMessageBytes: 2_048, maxFrameBytes: 8_192, memory: 1 << 28 };
  const { broker, tcp } = await testBroker({ ...limits, durability: "memory", shards: 2, log });
  const steady = new LineReader(connect({ port: tcp, host: "127.0.0.1", noDelay: true }));
  onTestFinished(() => void steady.socket.destroy());
  let published = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(input, { minLength: CLIENTS, maxLength: CLIENTS }), async (inputs) => {
      const disturbed = Promise.all(inputs.map((one) => disturb(tcp, one)));
      published++;
      await send(steady.socket, `pub steady  0\n${sized(`message ${published}`)}`);
      expect((await steady.next())?.[0]).toBe(103);
      await disturbed;
      expect(faults).toEqual([]);
    }),
    { numRuns: RUNS },
  );
  for (let popped = 1; popped <= published; popped++) {
    await send(steady.socket, "pop steady default\n");
    expect((await steady.next())?.[1]).toContain(`"body":"message ${popped}"`);
  }
  steady.socket.destroy();
  const deadline = performance.now() + 10_000;
  while (broker.usage.sessions > 0 && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 10));
  expect(broker.usage).toMatchObject({ sessions: 0, sockets: 0, assemblyBytes: 0, waitingBytes: 0, unsentBytes: 0 });
});
