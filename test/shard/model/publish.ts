/** PUBLISH: whole or not at all, to every queue that the route key reaches, with ids that nobody had before. */
import assert from "node:assert/strict";
import type { ErrorName } from "../../../src/protocol/errors.js";
import { idTime, SEQUENCES } from "../../../src/protocol/id.js";
import type { Publish } from "../../../src/shard/command.js";
import { splitEntries, type Witness } from "./effects.js";
import { type ModelQueue, newMessage } from "./queue.js";
import { type ModelTopic, Refusal } from "./topic.js";

/** A batch that was taken, and waits for its ids. */
interface Taken {
  readonly entries: readonly string[];
  readonly queues: readonly ModelQueue[];
}

type Outcome = Taken | ErrorName;

export class ModelPublisher {
  #lastId = 0n;

  /** `requests` above 1 stand for as many publishes of one message. */
  publish(cmd: Publish, useTopic: (name: string) => ModelTopic, now: number, witness: Witness): void {
    const entries = splitEntries(cmd.bytes, cmd.start, cmd.end);
    const batches = cmd.requests === 1 ? [entries] : entries.map((entry) => [entry]);
    let request = cmd.request;
    while (request < cmd.request + cmd.requests) {
      const batch = batches[request - cmd.request] ?? [];
      const effect = witness.next;
      if (effect?.kind === "fail") {
        const outcome = this.#try(cmd, useTopic, batch);
        assert.deepEqual(outcome, effect.error);
        witness.expect({ kind: "fail", connection: cmd.connection, request, error: effect.error });
        request++;
        continue;
      }
      const seen = witness.take("confirm");
      assert.deepEqual([seen.connection, seen.request], [cmd.connection, request]);
      assert.ok(
        seen.requests >= 1 && request + seen.requests <= cmd.request + cmd.requests,
        "too many requests answered",
      );
      const all = batches.slice(request - cmd.request, request - cmd.request + seen.requests);
      assert.equal(seen.messages, all.flat().length);
      this.#holdIds(seen.id, seen.messages, now);
      let id = seen.id;
      for (const one of all) {
        const outcome = this.#try(cmd, useTopic, one);
        assert.ok(
          typeof outcome !== "string",
          `a publish that should be refused with ${String(outcome)} was confirmed`,
        );
        this.#add(cmd, useTopic(cmd.topic), outcome, id, now);
        id += BigInt(one.length);
      }
      request += seen.requests;
    }
  }

  /** Makes room for a batch, or says why it is refused. */
  #try(cmd: Publish, useTopic: (name: string) => ModelTopic, entries: readonly string[]): Outcome {
    try {
      const topic = useTopic(cmd.topic);
      const queues = topic.route(cmd.routeKey);
      const excess = queues.map((queue) => excessOf(topic, queue, entries));
      if (excess.includes(undefined)) return "QUEUE_FULL";
      for (const [i, queue] of queues.entries()) {
        const dropped = queue.list("ready").slice(0, excess[i] ?? 0);
        for (const message of dropped) queue.messages.delete(message.id);
        topic.counters.dropped += dropped.length;
      }
      return { entries, queues };
    } catch (cause) {
      if (cause instanceof Refusal) return cause.error;
      throw cause;
    }
  }

  #add(cmd: Publish, topic: ModelTopic, { entries, queues }: Taken, first: bigint, now: number): void {
    topic.counters.published += entries.length;
    const expiry = cmd.ttl > 0 ? now + cmd.ttl : Number.POSITIVE_INFINITY;
    for (const queue of queues) {
      for (const [i, entry] of entries.entries()) {
        const message = newMessage(first + BigInt(i), entry, cmd.routeKey, expiry);
        if (cmd.delay > 0) topic.delay(queue, message, now + cmd.delay);
        else queue.join(message, "ready");
      }
    }
  }

  /** The laws of ids: consecutive in a batch, of one millisecond that is about now, and above all before. */
  #holdIds(first: bigint, count: number, now: number): void {
    assert.ok(first > this.#lastId, `id ${first} after ${this.#lastId}`);
    assert.ok(Number(first & 0xfffn) + count <= SEQUENCES, "a batch runs past its millisecond");
    const time = idTime(Number(first >> 32n), Number(first & 0xffff_ffffn));
    assert.ok(Math.abs(time - now) <= 100, `an id says ${time} at ${now}`);
    this.#lastId = first + BigInt(count) - 1n;
  }
}

/** How many of the oldest ready messages of a queue must go for a batch; undefined: it cannot be held. */
const excessOf = (topic: ModelTopic, queue: ModelQueue, entries: readonly string[]): number | undefined => {
  const { maxLength, maxBytes, overflow } = topic.config;
  let { messages, bytes } = queue.waiting();
  messages += entries.length;
  bytes += entries.reduce((sum, entry) => sum + entry.length, 0);
  const isOver = (): boolean => (maxLength > 0 && messages > maxLength) || (maxBytes > 0 && bytes > maxBytes);
  const ready = overflow === "drop-oldest" ? queue.list("ready") : [];
  let drop = 0;
  for (; isOver(); drop++) {
    const oldest = ready[drop];
    if (oldest === undefined) return undefined;
    messages--;
    bytes -= oldest.entry.length;
  }
  return drop;
};
