/**
 * Parts a shard's effects into those that wait for the journal and those that need not, so that a sync holds up nobody
 * whom it does not concern: deliveries of what is on disk, channels, refusals, topics that are in memory alone.
 *
 * The answers to one connection stay in order all the same: behind an answer that waits, all others of it wait.
 */
import type { ErrorName } from "../protocol/errors.js";
import { Durability } from "../protocol/op.js";
import type { Effects, Fault, Run } from "../shard/effects.js";

/** Where effects are staged: `FrameEffects`, or what a test records them with. */
export interface StagedEffects<E> extends Effects {
  /** Ends what is open, so that what is staged is whole. */
  finish(): void;
  /** Goes on, in place of `from`, with the messages that were opened there and are not closed. */
  takeMessages(from: E, connection: number, request: number): void;
}

/** Refusals that say what there is or is not: whoever hears them may rely on it as on a confirm. */
const TELLS_STATE: ReadonlySet<ErrorName> = new Set<ErrorName>([
  "QUEUE_EXISTS",
  "NO_TOPIC",
  "NO_QUEUE",
  "NO_ROUTE",
  "TOPIC_DELETED",
]);

export class HeldEffects<E extends StagedEffects<E>> implements Effects {
  /** Connections that something is held back of. */
  readonly #waiting = new Set<number>();
  /** The connection and request of messages that are open, and where they go; undefined until there is a run. */
  #connection = 0;
  #request = 0;
  #messages: E | undefined;

  constructor(
    readonly free: E,
    readonly held: E,
    /** Nothing waits for the journal. */
    readonly isSettled: () => boolean,
    /** No id of a message in memory alone waits for it. */
    readonly areIdsSettled: () => boolean,
  ) {}

  /** Ends what is open, so that the staged frames are whole. */
  finish(): void {
    this.free.finish();
    this.held.finish();
  }

  /** What was held back has been sent. */
  released(): void {
    this.#waiting.clear();
  }

  confirm(
    connection: number,
    request: number,
    requests: number,
    idHigh: number,
    idLow: number,
    messages: number,
    level: number,
  ): void {
    const isFree = this.isSettled() || (level === Durability.memory && this.areIdsSettled());
    this.#way(connection, isFree).confirm(connection, request, requests, idHigh, idLow, messages, level);
  }

  fail(connection: number, request: number, kind: ErrorName, text: string): void {
    this.#way(connection, !TELLS_STATE.has(kind) || this.isSettled()).fail(connection, request, kind, text);
  }

  result(connection: number, request: number, value: unknown): void {
    this.#way(connection, this.isSettled()).result(connection, request, value);
  }

  settled(connection: number, request: number, count: number, faults: readonly Fault[]): void {
    this.#way(connection, this.isSettled()).settled(connection, request, count, faults);
  }

  openMessages(connection: number, request: number): void {
    this.#connection = connection;
    this.#request = request;
    this.#messages = undefined;
  }

  run(run: Readonly<Run>): void {
    if (this.#messages === undefined) {
      this.#begin(run.isDurable);
    } else if (!run.isDurable && this.#messages === this.free) {
      this.#messages = this.#way(this.#connection, false);
      this.#messages.takeMessages(this.free, this.#connection, this.#request);
    }
    this.#messages?.run(run);
  }

  closeMessages(): void {
    if (this.#messages === undefined) this.#begin(true);
    this.#messages?.closeMessages();
  }

  channelMessages(
    connections: readonly number[],
    channel: string,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const isHeld = this.#waiting.size > 0 && connections.some((connection) => this.#waiting.has(connection));
    (isHeld ? this.held : this.free).channelMessages(connections, channel, bytes, start, end);
  }

  channelLost(connection: number, channel: string, count: number): void {
    this.#way(connection, true).channelLost(connection, channel, count);
  }

  consumerClosed(connection: number, request: number, kind: ErrorName, text: string): void {
    this.#way(connection, this.isSettled()).consumerClosed(connection, request, kind, text);
  }

  close(connection: number, kind: ErrorName, text: string): void {
    this.#way(connection, true).close(connection, kind, text);
  }

  #begin(isSettled: boolean): void {
    this.#messages = this.#way(this.#connection, isSettled);
    this.#messages.openMessages(this.#connection, this.#request);
  }

  #way(connection: number, isFree: boolean): E {
    if (isFree && !this.#waiting.has(connection)) return this.free;
    this.#waiting.add(connection);
    return this.held;
  }
}
