/** A stage of answers as plain data, in place of frames: what a shard says is kept until it may be sent. */
import assert from "node:assert/strict";
import type { ErrorName } from "../../src/protocol/errors.js";
import { Durability } from "../../src/protocol/op.js";
import type { Effects, Fault, Run } from "../../src/shard/effects.js";
import type { StagedEffects } from "../../src/workers/held-effects.js";
import { splitEntries } from "../shard/model/effects.js";
import { keyOf } from "./photograph.js";

export interface Delivered {
  readonly key: number;
  readonly entry: string;
  readonly routeKey: string;
  readonly retry: number;
  /** 0: it is gone with its delivery, the topic acks by itself. */
  readonly delivery: number;
}

interface Addressed {
  readonly connection: number;
  readonly request: number;
}

export type Answer =
  | (Addressed & {
      readonly kind: "confirm";
      readonly requests: number;
      /** 0: no ids. */
      readonly firstKey: number;
      readonly messages: number;
      /** The `Durability` that it names. */
      readonly level: number;
      /** The messages had been taken before. */
      readonly isDuplicate: boolean;
    })
  | (Addressed & { readonly kind: "settled"; readonly faults: ReadonlySet<number>; readonly level: number })
  | (Addressed & {
      readonly kind: "messages";
      readonly messages: readonly Delivered[];
      readonly head?: readonly unknown[];
    })
  | (Addressed & { readonly kind: "fail"; readonly error: ErrorName })
  | (Addressed & { readonly kind: "result"; readonly value: unknown; readonly level: number })
  | (Addressed & { readonly kind: "consumerClosed" })
  | ChannelMessages
  | { readonly kind: "channelLost"; readonly connection: number; readonly channel: string; readonly count: number }
  | { readonly kind: "close"; readonly connection: number };

interface ChannelMessages {
  readonly kind: "channelMessages";
  readonly connections: readonly number[];
  readonly channel: string;
  readonly position: number;
  readonly entries: string[];
}

type OpenMessages = Addressed & { readonly messages: Delivered[]; readonly head?: readonly unknown[] };

export class StagedAnswers implements StagedEffects<StagedAnswers>, Effects {
  #answers: Answer[] = [];
  #open: OpenMessages | undefined;
  #channel: ChannelMessages | undefined;

  /** Everything since the last call. */
  take(): Answer[] {
    const answers = this.#answers;
    this.#answers = [];
    return answers;
  }

  finish(): void {
    assert.equal(this.#open, undefined, "messages were opened and not closed");
  }

  takeMessages(from: StagedAnswers, connection: number, request: number): void {
    const open = from.#open;
    assert.ok(open?.connection === connection && open.request === request, "messages of another request are open");
    from.#open = undefined;
    this.#open = open;
  }

  confirm(
    connection: number,
    request: number,
    requests: number,
    idHigh: number,
    idLow: number,
    messages: number,
    level: number,
    _isEnd = false,
    isDuplicate = false,
  ): void {
    const firstKey = keyOf(idHigh, idLow);
    this.#answers.push({ kind: "confirm", connection, request, requests, firstKey, messages, level, isDuplicate });
  }

  fail(connection: number, request: number, error: ErrorName): void {
    this.#answers.push({ kind: "fail", connection, request, error });
  }

  result(connection: number, request: number, value: unknown, level: number = Durability.memory): void {
    this.#answers.push({ kind: "result", connection, request, value, level });
  }

  settled(connection: number, request: number, _count: number, faults: readonly Fault[], level: number): void {
    const keys = new Set<number>();
    for (const { idHigh, idLow, count } of faults) {
      for (let i = 0; i < count; i++) keys.add(keyOf(idHigh, idLow) + i);
    }
    this.#answers.push({ kind: "settled", connection, request, faults: keys, level });
  }

  openMessages(connection: number, request: number, _isLook = false, head?: readonly unknown[]): void {
    assert.equal(this.#open, undefined, "messages are open");
    this.#open = { connection, request, messages: [], ...(head && { head }) };
  }

  run(run: Readonly<Run>): void {
    const first = keyOf(run.idHigh, run.idLow);
    const routeKey = Buffer.from(run.bytes.subarray(run.keyStart, run.keyEnd)).toString("utf8");
    const entries = splitEntries(run.bytes, run.start, run.end);
    assert.equal(entries.length, run.count, "a run counts other messages than it has");
    const { retry, delivery } = run;
    for (const [i, entry] of entries.entries()) {
      this.#open?.messages.push({ key: first + i, entry, routeKey, retry, delivery });
    }
  }

  closeMessages(): void {
    const open = this.#open;
    assert.ok(open !== undefined, "messages are closed and were not opened");
    this.#open = undefined;
    this.#answers.push({ kind: "messages", ...open });
  }

  consumerClosed(connection: number, request: number): void {
    this.#answers.push({ kind: "consumerClosed", connection, request });
  }

  close(connection: number): void {
    this.#answers.push({ kind: "close", connection });
  }

  openChannel(connections: readonly number[], channel: string, position: number): void {
    this.#channel = { kind: "channelMessages", connections: [...connections], channel, position, entries: [] };
  }

  channelEntries(bytes: Uint8Array, start: number, end: number): void {
    this.#channel?.entries.push(...splitEntries(bytes, start, end));
  }

  closeChannel(): void {
    assert.ok(this.#channel !== undefined, "a channel is closed and was not opened");
    this.#answers.push(this.#channel);
    this.#channel = undefined;
  }

  channelLost(connection: number, channel: string, count: number): void {
    this.#answers.push({ kind: "channelLost", connection, channel, count });
  }
}
