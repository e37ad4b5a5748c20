/**
 * Cancels, reschedules and looks up messages that are named by their keys.
 */
import { formatId, parseId } from "../../protocol/id.js";
import { MAX_NAMED_KEYS } from "../../protocol/limits.js";
import { BY_KEY, Op } from "../../protocol/op.js";
import { readFaults, SELECTION_BYTES, writeSelection } from "../../protocol/selection.js";
import { badArgument } from "../arguments/argument-checks.js";
import { encodeKey } from "../arguments/message-key.js";
import { readTexts } from "../arguments/value-checks.js";
import { ask, look } from "../connection/ask.js";
import type { Connection } from "../connection/connection.js";
import { PromisedRequest, ResultRequest } from "../connection/pending-request.js";
import { type FoundMessage, readFound } from "./found-message.js";
import { faultCode, inAll, type Settlement, type SettlementFault } from "./settle-result.js";

/** Messages by the keys that their publishers gave them. */
export interface Keys {
  readonly key: string | readonly string[];
}

/** Whether messages are named by their keys. */
export const areKeys = (named: unknown): named is Keys =>
  typeof named === "object" && named !== null && !Array.isArray(named);

const KEYS = "the key of a message as text, or an array of such";

/** CANCEL or RESCHEDULE of messages with these keys. */
class KeyedRequest extends PromisedRequest<Settlement> {
  readonly #keys: readonly string[];

  constructor(keys: readonly string[]) {
    super();
    this.#keys = keys;
  }

  override confirmed(_high: number, _low: number, settled: number): void {
    this.resolve({ settled, faults: [] });
  }

  override settled(settled: number, view: DataView, start: number, end: number): void {
    const faults: SettlementFault[] = [];
    for (const { low, count, code } of readFaults(view, start, end)) {
      // A broker may claim any: it is not trusted for which keys there are.
      for (const key of this.#keys.slice(low, low + count)) faults.push({ id: "", key, code: faultCode(code) });
    }
    this.resolve({ settled, faults });
  }
}

export class KeySettler {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** CANCEL or RESCHEDULE, in as many requests as it takes. */
  async settle(
    op: number,
    topic: string,
    queue: string | undefined,
    { key }: Keys,
    args: readonly unknown[],
  ): Promise<Settlement> {
    const keys = readTexts("key", key, KEYS);
    const encoded = keys.map((each, i) => encodeKey(typeof key === "string" ? "key" : `key[${i}]`, each));
    const head = [topic, queue, ...args];
    const answers: Promise<Settlement>[] = [];
    for (let at = 0; at < keys.length; at += MAX_NAMED_KEYS) {
      const end = at + MAX_NAMED_KEYS;
      const pending = new KeyedRequest(keys.slice(at, end));
      answers.push(ask(this.#connection, op, head, pending, BY_KEY, payloadOf(encoded.slice(at, end))));
    }
    return inAll(await Promise.all(answers));
  }

  /** LOOKUP of one message, by its id or its key. */
  async lookup(topic: string, named: string | { readonly key: string }): Promise<FoundMessage | undefined> {
    const payload = areKeys(named) ? payloadOf([encodeKey("key", named.key)]) : selectionOf(named);
    const flags = areKeys(named) ? BY_KEY : 0;
    return look(this.#connection, Op.LOOKUP, [topic], new ResultRequest(readFound), flags, payload);
  }
}

const payloadOf = (keys: readonly Uint8Array[]): Uint8Array => {
  const payload = new Uint8Array(keys.reduce((sum, { length }) => sum + 1 + length, 0));
  let at = 0;
  for (const key of keys) {
    payload[at] = key.length;
    payload.set(key, at + 1);
    at += 1 + key.length;
  }
  return payload;
};

/** Throws BAD_ARGUMENT. */
const selectionOf = (named: unknown): Uint8Array => {
  const id = typeof named === "string" ? parseId(named) : undefined;
  if (id === undefined || formatId(id.high, id.low) !== named) {
    throw badArgument("the message", named, "an id in decimal, or an object with a key");
  }
  const payload = new Uint8Array(SELECTION_BYTES);
  writeSelection(new DataView(payload.buffer), 0, id.high, id.low, 1, 0);
  return payload;
};
