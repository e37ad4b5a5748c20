/** Messages, and FINDs among them. */
import { appendEntry } from "../../../src/protocol/entry.js";
import { FrameWriter } from "../../../src/protocol/frame.js";
import { type Headers, packHeaders } from "../../../src/protocol/headers.js";
import type { Find, FindConditions, MessageState, Slice } from "../../../src/shard/command.js";
import type { Effect, SeenMessage } from "../model/effects.js";
import type { ShardByHand } from "../shard-by-hand.js";

export interface Content {
  readonly body: string;
  readonly headers?: Headers | Uint8Array;
}

const entriesOf = (messages: readonly Content[]): Slice & { count: number } => {
  const writer = new FrameWriter();
  for (const { body, headers = {} } of messages) {
    const isGiven = headers instanceof Uint8Array || Object.keys(headers).length > 0;
    const packed = headers instanceof Uint8Array ? headers : isGiven ? packHeaders(headers) : new Uint8Array(0);
    appendEntry(writer, packed, body);
  }
  const { bytes, view, end } = writer;
  return { bytes, view, start: 0, end, count: messages.length };
};

export const publish = (by: ShardByHand, messages: readonly Content[], more: object = {}): bigint[] => {
  const command = { op: "publish", topic: "t", routeKey: "", delay: 0, ttl: 0, requests: 1 } as const;
  const [effect] = by.ask({ ...command, ...entriesOf(messages), ...more });
  if (effect?.kind !== "confirm") throw new Error(`not published: ${JSON.stringify(effect)}`);
  return messages.map((_, i) => effect.id + BigInt(i));
};

type Told = readonly [cursor: string | null, scanned: number, bytes: number, state: MessageState | null];

export interface Page {
  readonly messages: readonly SeenMessage[];
  readonly cursor: string | null;
  readonly scanned: number;
  readonly scannedBytes: number;
  readonly state: MessageState | null;
}

type Asked = Partial<Omit<Find, "op" | "connection" | "request" | "conditions">>;

export const ALL: Omit<Find, "op" | "connection" | "request"> = {
  topic: "t",
  queue: "default",
  state: "all",
  max: 1_000,
  maxBytes: 1 << 20,
  after: "",
  conditions: {},
};

export const about = { topic: "t", queue: "default" } as const;

/** Whose FINDs these are. */
const LOOKER = 9;

/** One answer. `between` is called before each turn that it takes. */
export const find = (
  by: ShardByHand,
  conditions: FindConditions,
  asked: Asked = {},
  between = (): void => {},
): Page => {
  const answerIn = (effects: readonly Effect[]): Effect | undefined =>
    effects.find((effect) => "connection" in effect && effect.connection === LOOKER);
  let answer = answerIn(by.ask({ op: "find", ...ALL, ...asked, conditions }, LOOKER));
  while (answer === undefined) {
    between();
    by.shard.turn(by.now);
    answer = answerIn(by.recorder.take());
  }
  if (answer?.kind === "fail") throw new Error(answer.error);
  if (answer?.kind !== "messages" || answer.head === undefined) throw new Error("no answer to FIND");
  const [cursor, scanned, scannedBytes, state] = answer.head as unknown as Told;
  return { messages: answer.messages, cursor, scanned, scannedBytes, state };
};

/** All answers, and what each had. */
export const findAll = (by: ShardByHand, conditions: FindConditions, asked: Asked = {}): Page[] => {
  const pages: Page[] = [];
  for (let after: string | null = asked.after ?? ""; after !== null; after = pages.at(-1)?.cursor ?? null) {
    pages.push(find(by, conditions, { ...asked, after }));
  }
  return pages;
};

export const idsIn = (pages: readonly Page[]): bigint[] =>
  pages.flatMap(({ messages }) => messages.map(({ id }) => id));
