/**
 * What a shard did to the world, as plain data: the recorder takes copies of all that a shard says and holds every call
 * to the contract of src/shard/effects.ts.
 */
import assert from "node:assert/strict";
import { HAS_HEADERS, SIZE_MASK, WORD_BYTES } from "../../../src/protocol/entry.js";
import type { ErrorName } from "../../../src/protocol/errors.js";
import { readFailures } from "../../../src/protocol/failure.js";
import { KEY } from "../../../src/protocol/run.js";
import { readText } from "../../../src/protocol/text.js";
import type { Effects, Fault, Run } from "../../../src/shard/effects.js";

/** A message as it was handed over. Its entry (word, headers, body) is text of one character for each byte. */
export interface SeenMessage {
  readonly id: bigint;
  readonly delivery: number;
  readonly retry: number;
  readonly reason: number;
  readonly time: number;
  /** Those that are told; none: nothing was told. */
  readonly failures: readonly SeenFailure[];
  readonly key: string;
  readonly entry: string;
}

/** A failure of a message, as it is told. */
export interface SeenFailure {
  readonly number: number;
  readonly time: number;
  readonly how: number;
  readonly consumer: string;
  readonly reason: string;
}

export interface SeenFault {
  readonly id: bigint;
  readonly error: ErrorName;
}

export interface Address {
  readonly connection: number;
  readonly request: number;
}

export interface ChannelMessages {
  kind: "channelMessages";
  connections: readonly number[];
  channel: string;
  /** Of the first message. */
  position: number;
  /** Of the first message; 0: they have none. */
  id: bigint;
  isDurable: boolean;
  entries: readonly string[];
}

export type Effect =
  | (Address & { kind: "confirm"; requests: number; id: bigint; messages: number })
  | (Address & { kind: "duplicate"; requests: number; id: bigint; messages: number })
  | (Address & { kind: "fail"; error: ErrorName })
  | (Address & { kind: "result"; value: unknown })
  | (Address & { kind: "settled"; count: number; faults: readonly SeenFault[] })
  /** `bytes`: of the runs, with their headers. */
  | (Address & { kind: "messages"; messages: readonly SeenMessage[]; bytes: number; head?: readonly unknown[] })
  | (Address & { kind: "consumerClosed"; error: ErrorName })
  | ChannelMessages
  | { kind: "channelLost"; connection: number; channel: string; count: number }
  | { kind: "close"; connection: number; error: ErrorName };

export const wholeId = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low);

/** Cuts entries into one text a message. */
export const splitEntries = (bytes: Uint8Array, start: number, end: number): string[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: string[] = [];
  let at = start;
  while (at < end) {
    const word = view.getUint32(at);
    const next = at + WORD_BYTES + (word & SIZE_MASK);
    assert.ok(next <= end, "an entry runs past the end of its slice");
    assert.equal(word & ~HAS_HEADERS & ~SIZE_MASK, 0, "an entry has reserved bits");
    entries.push(Buffer.from(bytes.buffer, bytes.byteOffset + at, next - at).toString("latin1"));
    at = next;
  }
  return entries;
};

const isWord = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;

const failuresIn = (bytes: Uint8Array = new Uint8Array(0)): SeenFailure[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return readFailures(view, 0, bytes.length).map(({ number, time, how, consumerStart, reasonStart, end }) => ({
    number,
    time,
    how,
    consumer: readText(bytes, consumerStart, reasonStart),
    reason: readText(bytes, reasonStart, end),
  }));
};

export class Recorder implements Effects {
  #effects: Effect[] = [];
  #openChannel: ChannelMessages | undefined;
  #open: (Address & { messages: SeenMessage[]; bytes: number; head?: readonly unknown[] }) | undefined;

  /** All effects since the last call. */
  take(): Effect[] {
    assert.equal(this.#open, undefined, "openMessages without closeMessages");
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  confirm(
    connection: number,
    request: number,
    requests: number,
    idHigh: number,
    idLow: number,
    messages: number,
    _level: number,
    _isEnd = false,
    isDuplicate = false,
  ): void {
    const kind = isDuplicate ? "duplicate" : "confirm";
    this.#say({ kind, connection, request, requests, id: wholeId(idHigh, idLow), messages });
  }

  fail(connection: number, request: number, error: ErrorName, text: string): void {
    assert.notEqual(text, "");
    this.#say({ kind: "fail", connection, request, error });
  }

  result(connection: number, request: number, value: unknown): void {
    this.#say({ kind: "result", connection, request, value: structuredClone(value) });
  }

  settled(connection: number, request: number, count: number, faults: readonly Fault[]): void {
    const each = faults.flatMap(({ idHigh, idLow, count: ids, kind }) =>
      Array.from({ length: ids }, (_, i) => ({ id: wholeId(idHigh, idLow) + BigInt(i), error: kind })),
    );
    this.#say({ kind: "settled", connection, request, count, faults: each });
  }

  openMessages(connection: number, request: number, _isLook = false, head?: readonly unknown[]): void {
    assert.equal(this.#open, undefined, "openMessages twice");
    this.#open = { connection, request, messages: [], bytes: 0, ...(head && { head }) };
  }

  run(run: Readonly<Run>): void {
    assert.ok(this.#open !== undefined, "a run outside of openMessages and closeMessages");
    assert.ok(run.count > 0, "an empty run");
    assert.ok(isWord(run.idHigh) && isWord(run.idLow) && isWord(run.delivery), "a word is not unsigned");
    const entries = splitEntries(run.bytes, run.start, run.end);
    assert.equal(entries.length, run.count, "a run counts other messages than it has");
    const { delivery, retry, reason, time } = run;
    const key = Buffer.from(run.bytes.subarray(run.keyStart, run.keyEnd)).toString("utf8");
    const first = wholeId(run.idHigh, run.idLow);
    const failures = failuresIn(run.failures);
    this.#open.bytes += KEY + run.keyEnd - run.keyStart + run.end - run.start + (run.failures?.length ?? 0);
    for (const [i, entry] of entries.entries()) {
      this.#open.messages.push({ id: first + BigInt(i), delivery, retry, reason, time, failures, key, entry });
    }
  }

  closeMessages(): void {
    assert.ok(this.#open !== undefined, "closeMessages without openMessages");
    const open = this.#open;
    this.#open = undefined;
    this.#say({ kind: "messages", ...open });
  }

  openChannel(
    connections: readonly number[],
    channel: string,
    position: number,
    idHigh: number,
    idLow: number,
    isDurable: boolean,
  ): void {
    assert.ok(connections.length > 0, "channel messages for nobody");
    assert.equal(this.#openChannel, undefined, "openChannel twice");
    const id = wholeId(idHigh, idLow);
    this.#openChannel = {
      kind: "channelMessages",
      // Itself: an unchanged audience is the same array.
      connections,
      channel,
      position,
      id,
      isDurable,
      entries: [],
    };
  }

  channelEntries(bytes: Uint8Array, start: number, end: number): void {
    const open = this.#openChannel;
    assert.ok(open !== undefined, "entries without openChannel");
    this.#openChannel = { ...open, entries: [...open.entries, ...splitEntries(bytes, start, end)] };
  }

  closeChannel(): void {
    const open = this.#openChannel;
    assert.ok(open !== undefined && open.entries.length > 0, "closeChannel without messages");
    this.#openChannel = undefined;
    this.#say(open);
  }

  channelLost(connection: number, channel: string, count: number): void {
    assert.ok(count > 0, "nothing was lost");
    this.#say({ kind: "channelLost", connection, channel, count });
  }

  consumerClosed(connection: number, request: number, error: ErrorName, text: string): void {
    assert.notEqual(text, "");
    this.#say({ kind: "consumerClosed", connection, request, error });
  }

  close(connection: number, error: ErrorName, text: string): void {
    assert.notEqual(text, "");
    this.#say({ kind: "close", connection, error });
  }

  #say(effect: Effect): void {
    assert.equal(this.#open, undefined, `${effect.kind} between openMessages and closeMessages`);
    this.#effects.push(effect);
  }
}

/** Effects in order, for a model that takes those which it expects. */
export class Witness {
  #at = 0;

  constructor(readonly effects: readonly Effect[]) {}

  /** What comes next, or undefined at the end. */
  get next(): Effect | undefined {
    return this.effects[this.#at];
  }

  /** Takes the next effect, which is of this kind. */
  take<K extends Effect["kind"]>(kind: K): Extract<Effect, { kind: K }> {
    const effect = this.next;
    assert.equal(effect?.kind, kind, `expected ${kind}, saw ${effect === undefined ? "nothing" : effect.kind}`);
    this.#at++;
    return effect as Extract<Effect, { kind: K }>;
  }

  /** Takes the next effect, which is exactly this. */
  expect(effect: Effect): void {
    assert.deepEqual(this.next, effect);
    this.#at++;
  }

  end(): void {
    assert.deepEqual(this.effects.slice(this.#at), [], "effects that nothing asked for");
  }
}
