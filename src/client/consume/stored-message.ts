/**
 * A message that a broker shows. Its properties are decoded from the received bytes when a program asks for them.
 */
import { formatId } from "../../protocol/id.js";
import { Reason, readRuns } from "../../protocol/run.js";
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";
import { plainHeaders, shownBody } from "../base/plain-content.js";
import { MessageContent, nextEntry } from "../messages/content.js";
import type { Failure } from "../messages/failure.js";
import { Run } from "./run.js";

/** Why a dead letter died: it was retried past its topic's limit or for too long, it expired, or it was rejected. */
export type DeathReason = "retries" | "expired" | "rejected" | "too-old";

const DEATHS: Readonly<Record<number, DeathReason>> = {
  [Reason.RETRIES]: "retries",
  [Reason.EXPIRED]: "expired",
  [Reason.REJECTED]: "rejected",
  [Reason.TOO_OLD]: "too-old",
};

/** Why a message died, by its `Reason`; undefined: it is alive. */
export const deathReason = (reason: number): DeathReason | undefined => DEATHS[reason];

/** A message that is shown, not handed over. */
export class StoredMessage<R extends Run = Run> extends MessageContent {
  constructor(
    protected readonly arrival: R,
    protected readonly index: number,
    at: number,
  ) {
    super(at);
  }

  /** The id, in decimal. */
  get id(): string {
    return formatId(this.arrival.fields.idHigh, this.arrival.fields.idLow + this.index);
  }

  /** How many deliveries of it have ended without an ack. */
  get retry(): number {
    return this.arrival.fields.retry;
  }

  /** The publisher's route key; empty if there was none. */
  get routeKey(): string {
    return this.arrival.routeKey;
  }

  /**
   * Milliseconds since 1970: when the lease ends of a message in flight, when a delayed one is due, when a dead one
   * died; 0 otherwise.
   */
  get time(): number {
    return Math.floor(this.arrival.fields.time);
  }

  /** Why it is a dead letter, or undefined when it is none. */
  get deadReason(): DeathReason | undefined {
    return deathReason(this.arrival.fields.reason);
  }

  /**
   * The deliveries of it that have failed, as far as the broker tells: the first of them and the last eight. It tells of messages
   * that it shows and of dead letters that are popped; of others the list is empty.
   */
  get failures(): readonly Failure[] {
    return this.arrival.failures;
  }

  /** The first line of the reason that was given last, of those in `failures`; empty: none was. */
  get lastReason(): string {
    return this.failures.findLast(({ reason }) => reason !== "")?.reason.split("\n", 1)[0] ?? "";
  }

  /** The body is in it as text. */
  toJSON(): object {
    const { id, retry, routeKey, time, deadReason, failures } = this;
    const history = failures.length === 0 ? {} : { failures };
    return {
      id,
      retry,
      routeKey,
      time,
      deadReason,
      ...history,
      headers: plainHeaders(() => this.headers),
      body: this.text(),
    };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    return inspected("StoredMessage", inspectedProperties(this), options, inspect);
  }
}

/** What `console.log` shows of a message, stored or delivered. */
export const inspectedProperties = (message: StoredMessage): object => {
  const { id, retry, routeKey, time, deadReason, failures } = message;
  const content = { headers: plainHeaders(() => message.headers), body: shownBody(message.body) };
  return {
    id,
    retry,
    routeKey,
    time,
    ...(deadReason && { deadReason }),
    ...(failures.length > 0 && { failures }),
    ...content,
  };
};

/** All messages of the runs [start, end) of an answer that shows some, as `make` makes them. Throws ProtocolError when they are not runs. */
export const storedMessages = <M extends StoredMessage>(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  make: (run: Run, index: number, at: number) => M,
): M[] => {
  const messages: M[] = [];
  for (const fields of readRuns(view, start, end)) {
    const run = new Run(bytes, view, fields);
    for (let index = 0, at = fields.start; index < fields.count; index++, at = nextEntry(view, at)) {
      messages.push(make(run, index, at));
    }
  }
  return messages;
};
