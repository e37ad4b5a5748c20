/**
 * Separates a shard's effects into those that must wait for the journal and those that need not: looks, refusals,
 * deliveries of messages on disk, channel messages that are not kept, topics with durability `memory`.
 *
 * What must wait is sent in order. What need not may overtake it, so that a client that waits for the disk can still
 * look around; but nothing overtakes the earlier messages of its consumer or its channel, and no end of a consumer or a
 * subscription comes before its last message.
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
  /** Connections with something that is held back. */
  readonly #waiting = new Set<number>();
  /** Those of them with messages that are held back, by request; 0: of a channel. */
  readonly #messagesOf = new Map<number, Set<number>>();
  /** Channels of which something is held back. */
  readonly #channels = new Set<string>();
  /** The connection and request of the open messages, and where they go: undefined before the first run. */
  #connection = 0;
  #request = 0;
  #messages: E | undefined;
  /** They are those of a look. */
  #isLook = false;
  /** What is told beside them. */
  #head: readonly unknown[] | undefined;
  /** Where the open messages of a channel go. */
  #channel: E | undefined;
  /** The audience that was held back last: an unchanged one is the same array. */
  #audience: readonly number[] | undefined;
  /** Requests whose confirm is held back. */
  #heldConfirms = 0;

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
    readonly store: () => Pick<Store, "log" | "before" | "idsAnnounced" | "totals">,
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
    this.store().totals.confirmed += this.#heldConfirms;
    this.#heldConfirms = 0;
    this.#waiting.clear();
    this.#messagesOf.clear();
    this.#channels.clear();
    this.#audience = undefined;
  }

  confirm(
    connection: number,
    request: number,
    requests: number,
    idHigh: number,
    idLow: number,
    messages: number,
    level: number,
    isEnd = false,
    isDuplicate = false,
  ): void {
    const hasIds = idHigh !== 0 || idLow !== 0;
    const stage = this.#confirmStage(connection, messages, level, hasIds, isEnd);
    if (level > Durability.memory) this.#rest(stage, level);
    else if (hasIds) this.#restOnIds(stage);
    // If it begins a consumer, the messages of that come after it.
    if (stage === this.held) this.#heldConfirms += requests;
    else this.store().totals.confirmed += requests;
    if (stage === this.held && messages === 0 && level === Durability.memory) this.#holdMessages(connection, request);
    stage.confirm(connection, request, requests, idHigh, idLow, messages, level, isEnd, isDuplicate);
  }

  fail(connection: number, request: number, kind: ErrorName, text: string, isLook = false): void {
    if (isLook || !TELLS_STATE.has(kind)) return this.free.fail(connection, request, kind, text);
    const stage = this.#stage(connection, this.isDurable());
    this.#rest(stage);
    stage.fail(connection, request, kind, text);
  }

  result(connection: number, request: number, value: unknown, level?: number, channel?: string): void {
    if (level === undefined) return this.free.result(connection, request, value);
    if (channel !== undefined) return this.#subscribed(connection, request, value, level, channel);
    if (level > Durability.memory) {
      const stage = this.#stage(connection, this.isDurable());
      this.#rest(stage, level);
      return stage.result(connection, request, value, level);
    }
    const stage = this.areIdsDurable() ? this.free : this.#stage(connection, false);
    this.#restOnIds(stage);
    stage.result(connection, request, value, level);
  }

  settled(connection: number, request: number, count: number, faults: readonly Fault[], level: number): void {
    const stage = this.#stage(connection, this.isDurable());
    this.#rest(stage, level);
    stage.settled(connection, request, count, faults, level);
  }

  openMessages(connection: number, request: number, isLook = false, head?: readonly unknown[]): void {
    this.#connection = connection;
    this.#request = request;
    this.#messages = undefined;
    this.#isLook = isLook;
    this.#head = head;
  }

  run(run: Readonly<Run>): void {
    const isFree = run.isDurable || this.#isLook;
    if (this.#messages === undefined) {
      this.#begin(isFree);
    } else if (!isFree && this.#messages === this.free) {
      this.#holdMessages(this.#connection, this.#request);
      this.#messages = this.held;
      this.#messages.takeMessages(this.free, this.#connection, this.#request);
    }
    if (!isFree) this.#rest(this.held);
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
    const isHeld = !isDurable || this.#channels.has(channel);
    if (isHeld) this.#holdChannel(connections, channel);
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
    const stage = this.#channels.has(channel) ? this.held : this.free;
    stage.channelLost(connection, channel, count);
  }

  consumerClosed(connection: number, request: number, kind: ErrorName, text: string): void {
    const stage = this.#stage(connection, this.isDurable());
    this.#rest(stage);
    stage.consumerClosed(connection, request, kind, text);
  }

  close(connection: number, kind: ErrorName, text: string): void {
    this.#stage(connection, true).close(connection, kind, text);
  }

  /** Of the answer to a SUBSCRIBE. */
  #subscribed(connection: number, request: number, value: unknown, level: number, channel: string): void {
    const isFree = level > Durability.memory ? this.isDurable() : this.areIdsDurable();
    const stage = isFree && !this.#channels.has(channel) ? this.free : this.held;
    if (stage === this.held) {
      this.#waiting.add(connection);
      this.#channels.add(channel);
    }
    if (level > Durability.memory) this.#rest(stage, level);
    else this.#restOnIds(stage);
    stage.result(connection, request, value, level);
  }

  #holdMessages(connection: number, request: number): void {
    this.#waiting.add(connection);
    const requests = this.#messagesOf.get(connection);
    if (requests === undefined) this.#messagesOf.set(connection, new Set([request]));
    else requests.add(request);
  }

  #holdChannel(connections: readonly number[], channel: string): void {
    this.#channels.add(channel);
    if (connections === this.#audience) return;
    for (const connection of connections) this.#holdMessages(connection, 0);
    this.#audience = connections;
  }

  #begin(isFree: boolean): void {
    const { held, free } = this;
    const isNext = this.#isLook || !this.#messagesOf.get(this.#connection)?.has(this.#request);
    this.#messages = isFree && isNext ? free : held;
    if (this.#messages === held) this.#holdMessages(this.#connection, this.#request);
    this.#messages.openMessages(this.#connection, this.#request, this.#isLook, this.#head);
  }

  #confirmStage(connection: number, messages: number, level: number, hasIds: boolean, isEnd: boolean): E {
    if (level > Durability.memory) return this.#stage(connection, this.isDurable());
    if (hasIds) return this.areIdsDurable() ? this.free : this.#stage(connection, false);
    const requests = this.#messagesOf.get(connection);
    // It may be the end of a consumer or a subscription, or the beginning of another.
    const mayPart = requests !== undefined && (isEnd || messages === 0 || requests.has(0));
    return mayPart ? this.#stage(connection, false) : this.free;
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

  /** What was just staged has ids. While the journal stands still, that they stay unique rests on the clock alone. */
  #restOnIds(stage: E): void {
    const { log, idsAnnounced } = this.store();
    if (!log.isStalled) this.#footingOf(stage).on(idsAnnounced);
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
