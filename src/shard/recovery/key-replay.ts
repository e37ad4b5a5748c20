/**
 * Restores the keys of messages: from the batches that have them, and from the directory of a segment, which has those that are
 * known for a window. Nothing says that a key is over: its message is gone, or its time has come.
 */
import { Durability } from "../../protocol/op.js";
import type { Page } from "../log/page.js";
import * as record from "../log/record.js";
import type { Directory } from "../topics/directory.js";
import { keysOf } from "../topics/message-keys.js";
import { LastName } from "./last-name.js";

export class KeyReplay {
  readonly #topic = new LastName();

  constructor(readonly directory: Directory) {}

  /** Reads part of what a directory says of a topic's keys. */
  part(name: string, keys: Uint8Array): void {
    const topic = this.directory.find(name);
    if (topic !== undefined) keysOf(topic, this.directory.store).restorePart(keys);
  }

  /** Reads those of a PUBLISH whose messages are in their queues. */
  publish(page: Page, at: number): void {
    const queues = record.queuesOf(page.view, at);
    this.#batch(page, at, record.numbersEnd(page.view, at), queues, record.QUEUE_BYTES);
  }

  /** Reads those of a KEEP. */
  keep(page: Page, at: number): void {
    const claims = record.queuesOf(page.view, at) + record.CLAIM_QUEUE;
    this.#batch(page, at, record.claimsEnd(page.view, at), claims, record.CLAIM_BYTES);
  }

  /** The numbers of its queues are so many bytes apart. */
  #batch({ bytes, view }: Page, at: number, keysAt: number, queues: number, apart: number): void {
    const names = at + record.NAMES;
    const name = this.#topic.read(bytes, names, names + view.getUint8(at + record.TOPIC_LENGTH));
    const topic = this.directory.find(name);
    const references = view.getUint16(at + record.QUEUES);
    if (topic === undefined || references === 0) return;
    const queue = view.getUint32(queues);
    let isSeveral = false;
    for (let i = 1; i < references; i++) if (view.getUint32(queues + i * apart) !== queue) isSeveral = true;
    const keys = keysOf(topic, this.directory.store);
    // It is not in memory alone, whatever its topic is now.
    const level = Math.max(topic.level, Durability.write);
    const until = view.getFloat64(keysAt + record.KEYED_UNTIL);
    const idHigh = view.getUint32(at + record.FIRST_ID_HIGH);
    const idLow = view.getUint32(at + record.FIRST_ID_LOW);
    const end = keysAt + record.KEYED_KEYS + view.getUint32(keysAt + record.KEYED_BYTES);
    for (let key = keysAt + record.KEYED_KEYS, i = 0; key < end; i++) {
      const next = key + 1 + view.getUint8(key);
      if (next > key + 1) keys.restore(bytes, key + 1, next, idHigh, idLow + i, queue, isSeveral, level, until);
      key = next;
    }
  }
}
