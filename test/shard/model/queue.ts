/**
 * A queue as the specification describes it: a map of messages, each of which knows its state and its place in line.
 */
import { Reason } from "../../../src/protocol/run.js";
import type { MessageState, TopicConfig } from "../../../src/shard/command.js";
import type { Effect, SeenFailure } from "./effects.js";

/** Places in line: each later than all before it. */
let places = 0;
export const nextPlace = (): number => ++places;

/** The place of all who get in line by the same command, or in the same turn: any order will do among them. */
let event = 0;
export const beginEvent = (): void => {
  event = nextPlace();
};

/** Who waits for messages of a queue: a consumer, or a pop that found nothing. */
export interface Waiter {
  readonly kind: "consumer" | "pop";
  readonly connection: number;
  readonly request: number;
  /** What its client calls itself. */
  readonly client: string;
  /** Messages that it may still be handed. */
  credit: number;
  readonly maxBytes: number;
  /** A consumer's: a message that leaves its hands gives its credit back. */
  readonly renew: boolean;
  /** A consumer's: SEEN tells how far its program has come. */
  readonly reports: boolean;
  /** What it has seen is acked. */
  readonly acksSeen: boolean;
  /** What it was sent, if it reports, and how many of these messages its program was handed. */
  readonly sent: { readonly delivery: number; readonly id: bigint }[];
  seen: number;
  /** The TTR that it was told. */
  readonly ttr: number;
  /** When the leases of what it has not seen were renewed, under which configuration, and how much it was sent by then. */
  renewal: { readonly at: number; readonly config: TopicConfig; readonly sent: number } | undefined;
  /** A pop's: when it is answered without messages. */
  readonly deadline: number;
  /** Its place in the line of those who could be served: from when it has had credit, or was served last. */
  since: number;
}

export const newWaiter = (
  { connection, request }: { readonly connection: number; readonly request: number },
  rest: Partial<Waiter> & Pick<Waiter, "kind" | "credit">,
): Waiter => ({
  connection,
  request,
  client: "",
  maxBytes: Number.POSITIVE_INFINITY,
  renew: false,
  reports: false,
  acksSeen: false,
  sent: [],
  seen: 0,
  ttr: 0,
  renewal: undefined,
  deadline: Number.POSITIVE_INFINITY,
  since: event,
  ...rest,
});

/** The leases of all that a consumer has not seen were renewed, or given, a moment ago. */
export const isRenewed = ({ renewal, sent, ttr }: Waiter, config: TopicConfig, now: number): boolean =>
  renewal?.config === config &&
  now - renewal.at < config.ttr / 64 &&
  (config.ttr >= ttr || renewal.sent === sent.length);

export const giveCredit = (waiter: Waiter, credit: number): void => {
  const wasServed = waiter.credit > 0;
  waiter.credit += credit;
  if (!wasServed && waiter.credit > 0) waiter.since = event;
};

/** Its connection can be sent to again. */
export const getInLine = (waiter: Waiter): void => {
  waiter.since = event;
};

export interface ModelMessage {
  readonly id: bigint;
  readonly entry: string;
  readonly key: string;
  /** When its time to live ends; Infinity: never. */
  expiry: number;
  state: MessageState;
  /** Was published without delay and ttl and has not been touched since. */
  fresh: boolean;
  /** It came in a batch with keys: it is never fresh. */
  readonly isKeyed: boolean;
  /** Its place in the list of its state. Equal places were taken in the same millisecond: any order will do. */
  place: number;
  retry: number;
  reason: number;
  /** When it died. */
  diedAt: number;
  /** When its delay or its lease ends. */
  due: number;
  /** Of the lease that it is, or was last, under. */
  delivery: number;
  /** The consumer that was handed it, while that is alive. */
  holder: Waiter | undefined;
  /** Was a dead letter when it was handed over. */
  fromDead: boolean;
  isRedriven: boolean;
  /** All its failures. */
  failures: readonly SeenFailure[];
  /** Its number among all that were handed out: it goes back there if it is given back. 0: to the end. */
  line: number;
  /** It was given back, and has not failed since. */
  isReturned: boolean;
  /** Which of the messages that its holder was sent it is, from 1 on. */
  ordinal: number;
}

/** Its holder's program was not handed it yet. */
export const isAhead = ({ holder, ordinal }: ModelMessage): boolean =>
  holder?.reports === true && ordinal > holder.seen;

/** What is told of its failures: the first and the last eight. */
export const toldFailures = ({ failures }: ModelMessage): readonly SeenFailure[] =>
  failures.length <= 9 ? failures : [...failures.slice(0, 1), ...failures.slice(-8)];

/** In front of all places. */
const FRONT = -1e12;

export const newMessage = (id: bigint, entry: string, key: string, expiry: number, isKeyed = false): ModelMessage => ({
  id,
  entry,
  key,
  expiry,
  isKeyed,
  state: "ready",
  fresh: true,
  place: 0,
  retry: 0,
  reason: Reason.ALIVE,
  diedAt: 0,
  due: 0,
  delivery: 0,
  holder: undefined,
  fromDead: false,
  isRedriven: false,
  failures: [],
  line: 0,
  isReturned: false,
  ordinal: 0,
});

export class ModelQueue {
  readonly messages = new Map<bigint, ModelMessage>();
  readonly consumers: Waiter[] = [];
  readonly pops: Waiter[] = [];
  /** Delivery numbers that have been given. */
  readonly deliveries = new Set<number>();
  paused = false;
  /** It is there because somebody declared it. */
  isDeclared = false;
  /** It was declared, paused or resumed: it is there for good though nothing is in it. */
  isMeant = false;

  constructor(readonly bindKey: string) {}

  /** The messages in a state, in line. */
  list(state: MessageState): ModelMessage[] {
    const list = [...this.messages.values()].filter((message) => message.state === state);
    return list.sort((a, b) => a.place - b.place || (a.id < b.id ? -1 : 1));
  }

  count(state: MessageState): number {
    let count = 0;
    for (const message of this.messages.values()) if (message.state === state) count++;
    return count;
  }

  /** What the limits of the topic count: ready and delayed messages, and their bytes. */
  waiting(): { messages: number; bytes: number } {
    let messages = 0;
    let bytes = 0;
    for (const { state, entry } of this.messages.values()) {
      if (state !== "ready" && state !== "delayed") continue;
      messages++;
      bytes += entry.length;
    }
    return { messages, bytes };
  }

  /** Puts a message at the end of a list. */
  join(message: ModelMessage, state: MessageState, place = nextPlace()): void {
    // Joining for the first time, ready and for ever, it is fresh; any later move ends that.
    const isPlain = message.expiry === Number.POSITIVE_INFINITY && !message.isKeyed;
    message.fresh = !this.messages.has(message.id) && state === "ready" && isPlain;
    message.state = state;
    message.place = place;
    message.holder = undefined;
    message.line = 0;
    this.messages.set(message.id, message);
  }

  /** Puts a message back where it stood at the head of a list. */
  rejoin(message: ModelMessage, state: MessageState): void {
    const { line } = message;
    this.join(message, state, FRONT + line);
    message.line = line;
    message.isReturned = true;
  }

  /** Something is in it, or somebody waits at it. */
  get isInUse(): boolean {
    return this.messages.size > 0 || this.consumers.length + this.pops.length > 0;
  }

  get waiters(): Waiter[] {
    return [...this.consumers, ...this.pops];
  }

  /** Whether an effect is for somebody who waits here. */
  isWaiting(effect: Effect | undefined): boolean {
    if (effect?.kind !== "messages") return false;
    return this.waiters.some((each) => each.connection === effect.connection && each.request === effect.request);
  }

  /** Consumers that were stopped and still hold messages. */
  get stoppedHolders(): number {
    const holders = new Set<Waiter>();
    for (const { holder } of this.messages.values()) if (holder !== undefined) holders.add(holder);
    for (const consumer of this.consumers) holders.delete(consumer);
    return holders.size;
  }

  /** The consumer of a request, also a stopped one that still holds messages. */
  consumerOf(connection: number, request: number): Waiter | undefined {
    const holders = [...this.messages.values()].map(({ holder }) => holder);
    return [...this.consumers, ...holders].find(
      (each) => each !== undefined && each.connection === connection && each.request === request,
    );
  }

  remove(waiter: Waiter): void {
    const list = waiter.kind === "consumer" ? this.consumers : this.pops;
    list.splice(list.indexOf(waiter), 1);
    // A stopped consumer's messages stay in flight; there is nobody left to give credit back to.
    if (waiter.kind === "consumer") waiter.credit = 0;
  }
}
