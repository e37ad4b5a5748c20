/** What HISTORY answers, put together of what the shard knows of a message and what the journal says: see docs/protocol.md. */
import { FAILED_HOW, readFailures } from "../../protocol/failure.js";
import { formatId, idTime } from "../../protocol/id.js";
import { DEATHS } from "../../protocol/run.js";
import { readText } from "../../protocol/text.js";
import type { TrailResult } from "../../workers/jobs/job.js";

type TrailEvent = TrailResult["events"][number];

/** What cannot be told of a message: docs/protocol.md lists them. */
export const UNKNOWN = [
  "NOT_FOUND",
  "ENDED",
  "NO_JOURNAL",
  "NOT_IN_JOURNAL",
  "RECLAIMED",
  "CUT_SHORT",
  "LEFT_OUT",
  "FAILURES",
  "DELIVERIES",
  "PUBLISHER",
] as const;

type Unknown = (typeof UNKNOWN)[number];

/** Times are milliseconds since 1970; 0: there is none, or it is not known. */
export interface HistoryEvent {
  readonly what: TrailEvent["what"];
  readonly queue: string;
  readonly time: number;
  readonly after: number;
  readonly before: number;
  readonly retry: number;
  readonly due: number;
  /** Why it died. */
  readonly reason: string;
  /** Of a failure. */
  readonly number: number;
  readonly how: string;
  readonly client: string;
  readonly text: string;
}

/** A copy of the message, in a queue where it is now. */
export interface HistoryCopy {
  readonly queue: string;
  readonly state: string;
  readonly retry: number;
  readonly reason: string;
  readonly time: number;
  readonly client: string;
  readonly connection: number;
}

export interface MessageHistory {
  readonly id: string;
  readonly topic: string;
  readonly published: number;
  readonly origin: TrailResult["origin"];
  readonly copies: readonly HistoryCopy[];
  readonly events: readonly HistoryEvent[];
  readonly unknown: readonly { readonly code: Unknown; readonly text: string }[];
}

/** A copy as LOOKUP tells it, with its failures. */
export type LookedUp = readonly [string, string, number, number, number, number, Uint8Array, string, number];

const NO_FAILURE = { number: 0, how: "", client: "", text: "" };

const fromJournal = ({ failure, reason, time, after, before, due, ...event }: TrailEvent): HistoryEvent => ({
  ...event,
  time: Math.floor(time),
  after: Math.floor(after),
  before: Math.ceil(before),
  due: Math.floor(due),
  reason: DEATHS[reason] ?? "",
  ...(failure === null
    ? NO_FAILURE
    : { number: failure.number, how: FAILED_HOW[failure.how] ?? "", client: failure.consumer, text: failure.text }),
});

const failuresOf = ([queue, , , , , , bytes]: LookedUp): HistoryEvent[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return readFailures(view, 0, bytes.length).map(({ number, time, how, consumerStart, reasonStart, end }) => ({
    what: "failed",
    queue,
    time: Math.floor(time),
    after: Math.floor(time),
    before: Math.floor(time),
    retry: number,
    due: 0,
    reason: "",
    number,
    how: FAILED_HOW[how] ?? "",
    client: readText(bytes, consumerStart, reasonStart),
    text: readText(bytes, reasonStart, end),
  }));
};

const copyOf = ([queue, state, retry, reason, , time, , client, connection]: LookedUp): HistoryCopy => ({
  queue,
  state,
  retry,
  reason: DEATHS[reason] ?? "",
  time: Math.floor(time),
  client,
  connection,
});

const originOf = (trail: TrailResult | undefined): MessageHistory["origin"] => {
  const origin = trail?.origin ?? null;
  return origin && { ...origin, due: Math.floor(origin.due), expiry: Math.floor(origin.expiry) };
};

/** When it was, as far as that is known. */
const timeOf = ({ time, after }: HistoryEvent): number => time || after;

/** `trail` undefined: the broker keeps no journal. */
export const messageHistory = (
  topic: string,
  idHigh: number,
  idLow: number,
  found: readonly LookedUp[],
  trail: TrailResult | undefined,
): MessageHistory => {
  const recorded = (trail?.events ?? []).map(fromJournal);
  const isTold = (failure: HistoryEvent): boolean =>
    recorded.some(
      ({ what, queue, number }) => what === "failed" && queue === failure.queue && number === failure.number,
    );
  const kept = found.flatMap(failuresOf).filter((failure) => !isTold(failure));
  const events = [...recorded, ...kept].sort((one, other) => timeOf(one) - timeOf(other));
  const published = idTime(idHigh, idLow);
  const copies = found.map(copyOf);
  const unknown = unknownOf(published, copies, events, trail);
  return { id: formatId(idHigh, idLow), topic, published, origin: originOf(trail), copies, events, unknown };
};

const unknownOf = (
  published: number,
  copies: readonly HistoryCopy[],
  events: readonly HistoryEvent[],
  trail: TrailResult | undefined,
): MessageHistory["unknown"] => {
  const unknown: { code: Unknown; text: string }[] = [];
  const say = (code: Unknown, text: string): void => void unknown.push({ code, text });
  const isEmpty = events.length === 0;
  if (copies.length === 0 && isEmpty)
    say("NOT_FOUND", "nothing is known of it: it is done and forgotten, or never was in this topic");
  else if (copies.length === 0) {
    say(
      "ENDED",
      "it is in no queue any more: acked, cancelled, purged, expired or displaced; records do not tell which",
    );
  }
  if (trail === undefined) say("NO_JOURNAL", "this broker keeps no journal");
  else if (trail.origin === null) {
    say(
      "NOT_IN_JOURNAL",
      "its batch is not in the journal: its topic is kept in memory alone, it is not written yet, or its segment was not needed any more",
    );
  }
  // A segment may say that it was made just after the message that is its first.
  const isPublishTold = events.some(({ what }) => what === "published");
  if (trail !== undefined && trail.from > published && !isPublishTold) {
    say("RECLAIMED", "segments from when it was published are gone, because nothing in them was needed any more");
  }
  if (trail?.isWhole === false)
    say("CUT_SHORT", "the journal is longer than what is read for a history, and was not read to its end");
  if (trail !== undefined && trail.leftOut > 0) say("LEFT_OUT", `${trail.leftOut} events in the middle are left out`);
  if (
    copies.some(({ queue, retry }) => retry > events.filter((e) => e.what === "failed" && e.queue === queue).length)
  ) {
    say("FAILURES", "of its failures only the first and the last are kept, as far as there was room");
  }
  say(
    "DELIVERIES",
    "deliveries are not recorded, nor who acked it; that it ended is told with the times between which it did",
  );
  if (!trail?.origin?.producer) say("PUBLISHER", "who published it is not recorded");
  return unknown;
};
