/** Numbered messages are there once, however often the broker is killed and a client sends again what was not answered. */
import { expect, it } from "vitest";
import { Answer, ONE_BY_ONE, Op } from "../../src/protocol/op.js";
import { RECEIPT_BYTES, RECEIPT_REQUEST, RECEIPT_REQUESTS } from "../../src/protocol/selection.js";
import { frame } from "../main/frames.js";
import { entries } from "../workers/frames.js";
import { testDirectory } from "./brokers.js";
import { clientOf } from "./clients.js";
import { NativeClient } from "./native-client.js";
import { ANY_PORT, started } from "./program.js";

const LEVELS = ["fsync", "write"] as const;
/** Each life has its own number of shards; segments are small, so that some are only known by the directories behind them. */
const LIVES = [1, 2, 3];
const MESSAGES_PER_LIFE = 5000;
const BATCHES_AHEAD = 20;
const MAX_BATCH = 37;

interface Batch {
  readonly sequence: number;
  readonly count: number;
}

/** Sends what was not answered again on each connection, in the same order, and then more. */
class Retrying {
  /** How many messages it has numbered. */
  sent = 0;
  #open: Batch[] = [];

  constructor(
    readonly topic: string,
    readonly name: string,
  ) {}

  /** Publishes until `sent` is so many and all is answered; or the connection closes, which is no error. */
  async run(port: number, messages: number): Promise<void> {
    const native = await NativeClient.greeted(port);
    const waiting = new Map<number, Batch>();
    let request = 1;
    const again = this.#open;
    this.#open = [];
    const send = (batch: Batch): void => {
      this.#open.push(batch);
      request++;
      waiting.set(request, batch);
      native.send(this.#frame(request, batch));
    };
    const answered = (to: number): void => {
      this.#open = this.#open.filter((batch) => batch !== waiting.get(to));
    };
    for (const batch of again) send(batch);
    for (;;) {
      while (this.sent < messages && this.#open.length < BATCHES_AHEAD) {
        const count = 1 + (this.sent % MAX_BATCH);
        send({ sequence: this.sent, count });
        this.sent += count;
      }
      if (this.#open.length === 0) return;
      const answer = await native.next().catch((error: unknown) => {
        if (native.isClosed) return undefined;
        throw error;
      });
      if (answer === undefined) return;
      const { op, head, payload } = answer;
      if (op === Answer.ERROR) throw new Error(String(head));
      if (op === Answer.RESULT) answered(answer.request);
      if (op !== Answer.CONFIRM) continue;
      for (let at = 0; at < payload.length; at += RECEIPT_BYTES) {
        const first = payload.readUInt32BE(at + RECEIPT_REQUEST);
        for (let i = 0; i < payload.readUInt32BE(at + RECEIPT_REQUESTS); i++) answered(first + i);
      }
    }
  }

  text(sequence: number): string {
    return `${this.name} ${sequence}`;
  }

  #frame(request: number, { sequence, count }: Batch): Buffer {
    const numbers = Buffer.alloc(16);
    numbers.writeBigUInt64BE(BigInt(sequence), 0);
    numbers.writeBigUInt64BE(BigInt(this.#open[0]?.sequence ?? 0), 8);
    const bodies = Array.from({ length: count }, (_, i) => this.text(sequence + i).padEnd(100));
    const payload = Buffer.concat([numbers, entries(...bodies)]);
    return frame(Op.PUBLISH, request, [this.topic, null, null, null, this.name], payload, ONE_BY_ONE);
  }
}

it("finds every message once", { timeout: 120_000 }, async () => {
  const data = testDirectory();
  const producers = LEVELS.flatMap((level) => [0, 1].map((i) => new Retrying(level, `${level} ${i}`)));
  const start = (shards: number) =>
    started([...ANY_PORT, "--shards", String(shards), "--segment-bytes", "64kb"], { RINGMQ_DATA: data });
  for (const shards of LIVES) {
    const broker = await start(shards);
    const client = await clientOf(broker.tcp);
    for (const level of LEVELS) await client.configure(level, { durability: level });
    const runs = producers.map((producer) => producer.run(broker.tcp, Number.POSITIVE_INFINITY));
    const until = producers.map(({ sent }) => sent + MESSAGES_PER_LIFE);
    await expect.poll(() => producers.some(({ sent }, i) => sent >= (until[i] ?? 0)), { timeout: 30_000 }).toBe(true);
    broker.child.kill("SIGKILL");
    await Promise.all([broker.exit, ...runs]);
  }
  const { tcp } = await start(1);
  await Promise.all(producers.map((producer) => producer.run(tcp, producer.sent)));
  const client = await clientOf(tcp);
  for (const level of LEVELS) {
    await client.configure(level, { autoAck: true });
    const found: string[] = [];
    for (let messages = await client.pop(level, { max: 8192 }); messages.length > 0; ) {
      for (const message of messages) found.push(message.text().trimEnd());
      messages = await client.pop(level, { max: 8192 });
    }
    const sent = producers
      .filter(({ topic }) => topic === level)
      .flatMap((producer) => Array.from({ length: producer.sent }, (_, sequence) => producer.text(sequence)));
    expect(found.sort()).toEqual(sent.sort());
  }
});
