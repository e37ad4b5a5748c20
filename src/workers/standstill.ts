/**
 * What a shard still takes while its journal stands still (a full disk, mostly). What waits for the journal is in memory: the
 * records that are not written and the answers that rest on them. Up to a bound all requests are taken; up to a second
 * one those that free space; beyond that they are refused, with a code. What makes no record is always taken: looks, topics
 * in memory, deliveries of messages on disk.
 *
 * Not refused, because nobody would ask again: the end of a connection, whose messages come back, at most what it held.
 */
import { Durability } from "../protocol/op.js";
import type { Command } from "../shard/command.js";
import type { Shard } from "../shard/shard.js";
import type { Refusal } from "../shard/topics/batch-appender.js";

/** Bytes that wait for the journal above which it is asked for nothing that makes records. */
export const MAX_HELD_BYTES = 16 * 1024 * 1024;

/** Bytes on top for requests that free space: more acks than a disk that is full is likely to have messages for. */
export const FREEING_BYTES = 16 * 1024 * 1024;

const TEXT = "the journal cannot write, and too much waits for it: the log says why; ask again when it can";

/** What a request does to the journal. */
const Need = { nothing: 0, records: 1, space: 2 } as const;

const needOf = (op: Command["op"]): number => {
  switch (op) {
    case "ack":
    case "nack":
    case "release":
    case "cancel":
    case "purge":
    case "dropDead":
    case "deleteQueue":
    case "deleteTopic":
    case "deleteChannel":
      return Need.space;
    case "reschedule":
    case "redrive":
    case "configure":
    case "declareQueue":
    case "pause":
    case "resume":
    case "configureChannel":
      return Need.records;
    default:
      // Publishes are refused from the beginning; what is popped waits in its queue where its record would have to wait.
      return Need.nothing;
  }
};

export class Standstill {
  readonly #shard: Shard;
  readonly #held: { readonly bytes: number };

  constructor(shard: Shard, held: { readonly bytes: number }) {
    this.#shard = shard;
    this.#held = held;
  }

  /** Bytes that wait for the journal. */
  get bytes(): number {
    const { log } = this.#shard.store;
    return this.#held.bytes + log.position - log.durable;
  }

  /** Decides whether messages whose deliveries would wait for the journal stay in their queues until the next look. */
  look(): void {
    const isFull = this.#shard.store.log.isStalled && this.bytes > MAX_HELD_BYTES;
    this.#shard.standstill = isFull ? this.#refusal : undefined;
  }

  /** Why a command is refused at present; undefined: it is not. One that has begun is finished. */
  refusalOf(command: Command): Refusal | undefined {
    const shard = this.#shard;
    if (!shard.store.log.isStalled) return undefined;
    const need = needOf(command.op);
    if (need === Need.nothing) return undefined;
    const max = need === Need.space ? MAX_HELD_BYTES + FREEING_BYTES : MAX_HELD_BYTES;
    if (this.bytes <= max || shard.isUnfinished(command.connection) || this.#isInMemory(command)) return undefined;
    return this.#refusal;
  }

  /** The messages that it is about are in memory alone, as far as that can be told. */
  #isInMemory(command: Command): boolean {
    switch (command.op) {
      case "ack":
      case "nack":
      case "release":
      case "cancel":
      case "reschedule":
      case "redrive":
      case "purge":
      case "dropDead":
        return this.#shard.directory.find(command.topic)?.level === Durability.memory;
      default:
        return false;
    }
  }

  get #refusal(): Refusal {
    return { kind: this.#shard.refusal?.kind ?? "DISK_FULL", text: TEXT };
  }
}
