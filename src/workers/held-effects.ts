/**
 * Separates a shard's effects into those that must wait for the journal and those that need not: deliveries of messages
 * on disk, channel messages, errors, topics with durability `memory`.
 *
 * Answers to one connection stay in order: after one that waits, all its others wait too.
 */
import type { ErrorName } from "../protocol/errors.js";
import { Durability } from "../protocol/op.js";
import type { Effects, Fault, Run } from "../shard/effects.js";
import type { Store } from "../shard/messages/store.js";
import { Footing } from "./footing.js";

/** Where effects are staged: `FrameEffects`, or a recorder of a test. */
export interface StagedEffects<E> extends Effects {
  /** Ends an open frame, so that the staged frames are whole. */
  finish(): void;
  /** Takes over the messages that are open in `from`. */
  takeMessages(from: E, connection: number, request: number): void;
}

/** Errors that tell of state. A client may rely on them as on a confirm, so they wait for the journal as well. */
const TELLS_STATE: ReadonlySet<ErrorName> = new Set<ErrorName>([
  "QUEUE_EXISTS",
  "NO_TOPIC",
  "NO_QUEUE",
  "NO_ROUTE",
  "TOPIC_DELETED",
]);

export class HeldEffects<E extends StagedEffects<E>> implements Effects {
  /** Connections with an answer that is held back. */
  readonly #waiting = new Set<number>();
  /** The connection and request of the open messages, and where they go: undefined before the first run. */
  #connection = 0;
  #request = 0;
  #messages: E | undefined;
  /** Where the open messages of a channel go. */
  #channel: E | undefined;
  /** The audience that was held back last: an unchanged one is the same array. */
  #audience: readonly number[] | undefined;
  /** An audience of whom nobody waited when so many did. */
  #freeAudience: readonly number[] | undefined;
  #waitingThen = 0;

  /** What the answers of each stage rest on. */
  readonly #freeFooting = new Footing();
  readonly #heldFooting = new Footing();

  constructor(
    readonly free: E,
    readonly held: E,
    /** Everything in the log is on disk. */
    readonly isDurable: () => boolean,
    /** The ids handed out so far are reserved on disk. */
    readonly areIdsDurable: () => boolean,
    /** For what answers rest on, which is found out by itself. */
    readonly store: () => Pick<Store, "log" | "before" | "idsAnnounced">,
  ) {}

  /** The free answers are about to be sent. Throws if they may not. */
  assertFree(synced: number): void {
    this.#freeFooting.assert(this.store().log.durable, synced);
  }

  /** The held answers are about to be sent. Throws if they may not. */
  assertHeld(synced: number): void {
    this.#heldFooting.assert(this.store().log.durable, synced);
  }

  /** Ends open frames, so that the staged ones are whole. */
  finish(): void {
    this.free.finish();
    this.held.finish();
  }

  /** What was held back has been sent. */
  released(): void {
    this.#waiting.clear();
    this.#audience = undefined;
    this.#freeAudience = undefined;
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
    const isFree = this.isDurable() || (level === Durability.memory && this.areIdsDurable());
    const stage = this.#stage(connection, isFree);
    if (level === Durability.memory) this.#footingOf(stage).on(this.store().idsAnnounced);
    else this.#rest(stage, level);
    stage.confirm(connection, request, requests, idHigh, idLow, messages, level);
  }

  fail(connection: number, request: number, kind: ErrorName, text: string): void {
    const tellsState = TELLS_STATE.has(kind);
    const stage = this.#stage(connection, !tellsState || this.isDurable());
    if (tellsState) this.#rest(stage);
    stage.fail(connection, request, kind, text);
  }

  result(connection: number, request: number, value: unknown, level: number = Durability.memory): void {
    const stage = this.#stage(connection, this.isDurable());
    this.#rest(stage, level);
    stage.result(connection, request, value, level);
  }

  settled(connection: number, request: number, count: number, faults: readonly Fault[], level: number): void {
    const stage = this.#stage(connection, this.isDurable());
    this.#rest(stage, level);
    stage.settled(connection, request, count, faults, level);
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
      this.#messages = this.#stage(this.#connection, false);
      this.#messages.takeMessages(this.free, this.#connection, this.#request);
    }
    if (!run.isDurable) this.#rest(this.held);
    this.#messages?.run(run);
  }

  closeMessages(): void {
    if (this.#messages === undefined) this.#begin(true);
    this.#messages?.closeMessages();
  }

  openChannel(
    connections: readonly number[],
    channel: string,
    position: number,
    idHigh: number,
    idLow: number,
    isDurable: boolean,
  ): void {
    const isHeld = !isDurable || this.#isAnyWaiting(connections);
    if (isHeld) this.#wait(connections);
    this.#channel = isHeld ? this.held : this.free;
    if (!isDurable) this.#rest(this.held);
    this.#channel.openChannel(connections, channel, position, idHigh, idLow, isDurable);
  }

  channelEntries(bytes: Uint8Array, start: number, end: number): void {
    this.#channel?.channelEntries(bytes, start, end);
  }

  closeChannel(): void {
    this.#channel?.closeChannel();
    this.#channel = undefined;
  }

  channelLost(connection: number, channel: string, count: number): void {
    this.#stage(connection, true).channelLost(connection, channel, count);
  }

  consumerClosed(connection: number, request: number, kind: ErrorName, text: string): void {
    const stage = this.#stage(connection, this.isDurable());
    this.#rest(stage);
    stage.consumerClosed(connection, request, kind, text);
  }

  close(connection: number, kind: ErrorName, text: string): void {
    this.#stage(connection, true).close(connection, kind, text);
  }

  /** Looks through an audience again only if somebody waits who did not. */
  #isAnyWaiting(connections: readonly number[]): boolean {
    const { size } = this.#waiting;
    if (size === 0) return false;
    if (connections === this.#audience) return true;
    if (connections === this.#freeAudience && size === this.#waitingThen) return false;
    if (connections.some((connection) => this.#waiting.has(connection))) return true;
    this.#freeAudience = connections;
    this.#waitingThen = size;
    return false;
  }

  /** What follows for one of these may not overtake what is held back for all of them. */
  #wait(connections: readonly number[]): void {
    if (connections === this.#audience) return;
    for (const connection of connections) this.#waiting.add(connection);
    this.#audience = connections;
  }

  #begin(isFree: boolean): void {
    this.#messages = this.#stage(this.#connection, isFree);
    this.#messages.openMessages(this.#connection, this.#request);
  }

  /**
   * What was just staged rests on all of the log. If the command has made records, they are as durable as `level` says;
   * without any it claims nothing beyond what its log says of itself.
   */
  #rest(stage: E, level: number = Durability.memory): void {
    const { log, before } = this.store();
    const footing = this.#footingOf(stage);
    footing.on(log.position);
    if (level >= Durability.fsync && log.position > before) footing.onSynced(log.position);
  }

  #footingOf(stage: E): Footing {
    return stage === this.free ? this.#freeFooting : this.#heldFooting;
  }

  #stage(connection: number, isFree: boolean): E {
    if (isFree && !this.#waiting.has(connection)) return this.free;
    this.#waiting.add(connection);
    return this.held;
  }
}
