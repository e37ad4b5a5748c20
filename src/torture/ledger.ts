/**
 * What the clients of a torture run know: which messages were confirmed, and which they have settled. It judges every
 * delivery.
 *
 * A *slot* is one message in one queue: a message that reaches two queues has two consecutive slots. A slot takes
 * nineteen bytes, because an hour of torture has millions of them. Ids are BigInts here: slow, but easy to compare.
 */
import type { Body } from "./body.js";
import type { Findings } from "./findings.js";

/** The state of a slot, as bits. */
const SENT = 1;
const CONFIRMED = 2;
/** The publish was refused: it must not be delivered. */
const REFUSED = 4;
const SEEN = 8;
/** An ack is unanswered: the message may be gone. */
const ACK_SENT = 16;
/**
 * Its ack was confirmed: it must not be delivered again. Or it was delivered on an auto-ack topic: it may come again if the
 * broker has died since, which may not have known yet that a program had it.
 */
const GONE = 32;
/** It was delayed or returned to the queue: its position is not that of its id. */
const MOVED = 64;
/** Its rejection was confirmed: it is a dead letter. */
const REJECTED = 128;

/** Flag in a slot's topic: the slot before it belongs to the same message, with the same id. */
const FURTHER_COPY = 128;

/** 16 million slots take 320 MB, and twice that for a moment at the end. */
export const MAX_SLOTS = 2 ** 24;

const FIRST_SLOTS = 2 ** 16;

/** Milliseconds: two processes read the clock a moment apart, and the broker's timers are accurate to 10 ms. */
const EARLY_TOLERANCE = 20;

/** Retry counts are kept in a byte; higher ones are not checked. */
const MAX_RETRIES = 255;

export interface LedgerTopic {
  readonly name: string;
  readonly queues: readonly string[];
  readonly autoAck: boolean;
}

/** A message as a client received it. */
export interface Arrival {
  readonly id: string;
  readonly retry: number;
  readonly isDead: boolean;
  /** When its lease ends; 0: there is none. */
  readonly deadline: number;
}

/** A reader that must see new messages in the order of their ids. */
export interface Order {
  last: bigint;
}

export class Ledger {
  published = 0;
  confirmed = 0;
  refused = 0;
  delivered = 0;
  acked = 0;
  /** Brokers that have died. */
  deaths = 0;
  /** By slot of an auto-ack topic: the deaths before it was last delivered. */
  readonly #deathsBefore = new Map<number, number>();
  /** By topic: messages confirmed and not known to be gone, approximately. */
  readonly #outstanding: Int32Array;
  /** Messages that are being returned, without an answer yet. */
  readonly #returning = new Set<number>();
  #slots = 0;
  #states = new Uint8Array(FIRST_SLOTS);
  #retries = new Uint8Array(FIRST_SLOTS);
  #topics = new Uint8Array(FIRST_SLOTS);
  #ids = new BigUint64Array(FIRST_SLOTS);
  /**
   * When the lease of the last delivery ends that was acked. A topic's leases are all as long, so that of two deliveries of
   * a message the broker has made the one later whose lease ends later, whenever a reader comes to read it.
   */
  #ackedLeases = new Float64Array(FIRST_SLOTS);

  /** `run` tells this run's messages from those of others. */
  constructor(
    readonly run: number,
    readonly topics: readonly LedgerTopic[],
    readonly findings: Findings,
  ) {
    this.#outstanding = new Int32Array(topics.length);
  }

  get isFull(): boolean {
    return this.#slots >= MAX_SLOTS - 2 ** 16;
  }

  /** Messages of a topic that are confirmed and not known to be gone, approximately. */
  outstanding(topic: number): number {
    return this.#outstanding[topic] ?? 0;
  }

  // --- publishing ----------------------------------------------------------------------------------------------------

  /** Called before a message is sent that reaches `copies` queues of a topic. Returns its first slot. */
  send(topic: number, copies: number, isDelayed: boolean): number {
    const slot = this.#slots;
    if (slot + copies > this.#states.length) this.#grow();
    this.#slots += copies;
    this.#states.fill(SENT | (isDelayed ? MOVED : 0), slot, slot + copies);
    this.#topics.fill(topic | FURTHER_COPY, slot, slot + copies);
    this.#topics[slot] = topic;
    this.published += copies;
    return slot;
  }

  confirm(slot: number, copies: number, id: string): void {
    for (let at = slot; at < slot + copies; at++) {
      this.#set(at, CONFIRMED);
      this.#identify(at, BigInt(id));
    }
    this.confirmed += copies;
    this.#count(slot, copies);
  }

  refuse(slot: number, copies: number): void {
    for (let at = slot; at < slot + copies; at++) this.#set(at, REFUSED);
    this.refused += copies;
  }

  // --- consuming -----------------------------------------------------------------------------------------------------

  /**
   * Judges a delivery from a queue (an index into the topic's list). `body` undefined: it was changed. Returns the
   * slot, or -1 if the message must not be settled.
   */
  arrive(topic: number, queue: number, body: Body | undefined, arrival: Arrival, order?: Order): number {
    this.delivered++;
    const slot = this.slotOf(topic, queue, body);
    if (slot < 0 || body === undefined) {
      this.findings.add("invented", `${this.#place(topic, queue)}: message ${arrival.id} has a body of its own`);
      return -1;
    }
    const state = this.#state(slot);
    // Made before the one that was acked: it was read late, and says nothing of what the ack has done.
    const isStale = arrival.deadline !== 0 && arrival.deadline <= this.#ackedLease(slot);
    if ((state & GONE) !== 0 && isStale) return -1;
    this.#judge(slot, state, body, arrival);
    this.#judgeOrder(slot, state, arrival, order);
    this.#set(slot, SEEN);
    // It was delivered after all that were acked, so no ack has reached it.
    if (!isStale) this.#clear(slot, ACK_SENT);
    if (this.topics[topic]?.autoAck === true) {
      this.#deathsBefore.set(slot, this.deaths);
      this.ackConfirmed(slot);
    }
    return slot;
  }

  /** The delivery whose lease ends then is about to be acked. */
  acking(slot: number, deadline: number): void {
    this.#set(slot, ACK_SENT);
    this.#ackedLeases[slot] = Math.max(this.#ackedLease(slot), deadline);
  }

  ackConfirmed(slot: number): void {
    if ((this.#state(slot) & GONE) !== 0) return;
    this.#set(slot, GONE);
    this.acked++;
    this.#count(slot, -1);
  }

  /**
   * The ack of the delivery whose lease ends then came too late: the message has been or will be delivered again. Of the
   * ack of a later one that says nothing.
   */
  ackRefused(slot: number, deadline: number): void {
    if (deadline >= this.#ackedLease(slot)) this.#clear(slot, ACK_SENT);
  }

  /** It is about to be returned or rejected. */
  returning(slot: number): void {
    this.#set(slot, MOVED);
    this.#returning.add(slot);
  }

  /** It was returned: its delivery counts as a retry. */
  returned(slot: number, retry: number, isRejected: boolean): void {
    this.#returning.delete(slot);
    this.#retries[slot] = Math.max(this.#retries[slot] ?? 0, Math.min(MAX_RETRIES, retry + 1));
    if (isRejected) this.#set(slot, REJECTED);
  }

  /** Returning it was refused or not answered. */
  returnLost(slot: number): void {
    this.#returning.delete(slot);
  }

  /** Whether a request about it is unanswered: re-driving it now would make the order unknown. */
  isReturning(slot: number): boolean {
    return this.#returning.has(slot);
  }

  /** It is about to be re-driven: it may be delivered again, with retry 0. */
  redriving(slot: number): void {
    this.#set(slot, MOVED);
    this.#clear(slot, REJECTED);
    this.#retries[slot] = 0;
  }

  // --- the end -------------------------------------------------------------------------------------------------------

  /**
   * The final check, after everything was read and acked. All confirmed messages must have been delivered, except up to
   * `unseen` of auto-ack topics, which were on their way when a broker or a client died.
   */
  finish(unseen: number): void {
    let missing = 0;
    for (let slot = 0; slot < this.#slots; slot++) {
      const state = this.#state(slot);
      if ((state & CONFIRMED) === 0 || (state & (GONE | ACK_SENT)) !== 0) continue;
      if (this.topics[this.#topicOf(slot)]?.autoAck === true && ++missing <= unseen) continue;
      const fate = (state & SEEN) !== 0 ? "had come before and was not acked" : "never came";
      this.findings.add("lost", `${this.#name(slot)} ${fate}`);
    }
    this.#judgeIds();
  }

  /** Ids must be unique per message; a message may have several consecutive slots. */
  #judgeIds(): void {
    const ids = new BigUint64Array(this.#slots);
    let count = 0;
    for (let slot = 0; slot < this.#slots; slot++) {
      const id = this.#ids[slot] ?? 0n;
      if (id !== 0n && (this.#topicByte(slot) & FURTHER_COPY) === 0) ids[count++] = id;
    }
    const sorted = ids.subarray(0, count).sort();
    for (let i = 1; i < count; i++)
      if (sorted[i] === sorted[i - 1]) this.findings.add("id repeated", `id ${sorted[i]}`);
  }

  /** The slot that a body belongs to in a queue, or -1. */
  slotOf(topic: number, queue: number, body: Body | undefined): number {
    if (body === undefined || body.run !== this.run || body.topic !== topic) return -1;
    const copy = queue - body.first;
    const slot = body.slot + copy;
    if (copy < 0 || copy >= body.copies || slot >= this.#slots || this.#topicOf(slot) !== topic) return -1;
    return (this.#state(slot) & REFUSED) === 0 ? slot : -1;
  }

  #judge(slot: number, state: number, body: Body, { id, retry, isDead }: Arrival): void {
    const { findings } = this;
    if ((state & GONE) !== 0 && (this.#deathsBefore.get(slot) ?? this.deaths) === this.deaths) {
      const kind = this.topics[body.topic]?.autoAck === true ? "delivered twice" : "resurrected";
      findings.add(kind, `${this.#name(slot)}, id ${id}, retry ${retry}`);
    }
    if ((state & REJECTED) !== 0 && !isDead) findings.add("revived", `${this.#name(slot)}, id ${id}`);
    const now = Date.now();
    if (!isDead && body.due > now + EARLY_TOLERANCE) {
      findings.add("early", `${this.#name(slot)}, id ${id}: ${Math.round(body.due - now)} ms too early`);
    }
    const before = this.#retries[slot] ?? 0;
    if (retry < before) findings.add("retry", `${this.#name(slot)}, id ${id}: from ${before} to ${retry}`);
    else this.#retries[slot] = Math.min(MAX_RETRIES, retry);
    this.#identify(slot, BigInt(id));
  }

  #judgeOrder(slot: number, state: number, { id, retry, isDead }: Arrival, order: Order | undefined): void {
    if (order === undefined || (state & (SEEN | MOVED)) !== 0 || retry > 0 || isDead) return;
    const number = BigInt(id);
    if (number > order.last) order.last = number;
    else this.findings.add("order", `${this.#name(slot)}: id ${id} came after ${order.last}`);
  }

  #identify(slot: number, id: bigint): void {
    const known = this.#ids[slot];
    if (known !== 0n && known !== id) this.findings.add("id changed", `${this.#name(slot)}: ${known} is ${id}`);
    this.#ids[slot] = id;
  }

  #count(slot: number, change: number): void {
    const topic = this.#topicOf(slot);
    this.#outstanding[topic] = this.outstanding(topic) + change;
  }

  #name(slot: number): string {
    const topic = this.topics[this.#topicOf(slot)]?.name ?? "?";
    const id = this.#ids[slot] ?? 0n;
    return `${topic}: message ${slot}${id === 0n ? "" : ` (id ${id})`}`;
  }

  #place(topic: number, queue: number): string {
    return `${this.topics[topic]?.name ?? "?"}/${this.topics[topic]?.queues[queue] ?? "?"}`;
  }

  #topicByte(slot: number): number {
    return this.#topics[slot] ?? 0;
  }

  #topicOf(slot: number): number {
    return this.#topicByte(slot) & ~FURTHER_COPY;
  }

  #state(slot: number): number {
    return this.#states[slot] ?? 0;
  }

  #ackedLease(slot: number): number {
    return this.#ackedLeases[slot] ?? 0;
  }

  #set(slot: number, bits: number): void {
    this.#states[slot] = this.#state(slot) | bits;
  }

  #clear(slot: number, bits: number): void {
    this.#states[slot] = this.#state(slot) & ~bits;
  }

  #grow(): void {
    const slots = this.#states.length * 2;
    if (slots > MAX_SLOTS) throw new Error("the ledger of the torture is full");
    const larger = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
      const grown = new Uint8Array(slots);
      grown.set(bytes);
      return grown;
    };
    this.#states = larger(this.#states);
    this.#retries = larger(this.#retries);
    this.#topics = larger(this.#topics);
    const ids = new BigUint64Array(slots);
    ids.set(this.#ids);
    this.#ids = ids;
    const leases = new Float64Array(slots);
    leases.set(this.#ackedLeases);
    this.#ackedLeases = leases;
  }
}
