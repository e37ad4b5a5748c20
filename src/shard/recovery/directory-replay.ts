/**
 * Restores topics and queues from the DIRECTORY records of a log.
 *
 * A segment names the whole directory between "checkpoint" and "complete" (checkpoint.ts). What is known from before and
 * not named there was deleted: the records that said so were in a segment that has been compacted.
 */
import { DEFAULT_KEY } from "../../protocol/limits.js";
import type { ChannelConfig, TopicConfig } from "../command.js";
import { ALL_STATES, drop } from "../messages/purge.js";
import type { Queue } from "../messages/queue.js";
import type { Directory } from "../topics/directory.js";
import type { Topic } from "../topics/topic.js";
import type { KeyReplay } from "./key-replay.js";
import type { ProducerEntry, ProducerReplay } from "./producer-replay.js";

/** Number, topic, bind key, paused, declared. */
type QueueEntry = readonly [number, string, string, boolean, boolean?];

/** Number, name, configuration, epoch, next position. */
type ChannelEntry = readonly [number, string, Partial<ChannelConfig>, string, number];

export class DirectoryReplay {
  /** What the present checkpoint has named; undefined: none is being read. */
  #named: Set<Topic | Queue> | undefined;
  /** The present segment has had a whole checkpoint. */
  isWhole = false;

  constructor(
    readonly directory: Directory,
    readonly producers: ProducerReplay,
    readonly keys: KeyReplay,
    /** A queue is about to be removed. */
    readonly onQueueGoing: (queue: Queue) => void,
  ) {}

  /** Another segment begins: a checkpoint that is not complete by now does not count. */
  segment(): void {
    this.#named = undefined;
    this.isWhole = false;
    this.producers.segment();
  }

  apply(entry: readonly unknown[]): void {
    const [kind, ...rest] = entry;
    switch (kind) {
      case "topic":
        return this.#topic(rest as unknown as [string, TopicConfig, number]);
      case "queue":
        return this.#queue(rest as unknown as QueueEntry);
      case "channel":
        return this.#channel(rest as unknown as ChannelEntry);
      case "producer":
        return this.producers.part(rest as unknown as ProducerEntry);
      case "producer forgotten":
        return this.producers.forgotten(rest[0] as string, rest[1] as string);
      case "keys":
        return this.keys.part(rest[0] as string, rest[1] as Uint8Array);
      case "queue deleted": {
        const queue = this.directory.queues[rest[0] as number];
        return queue === undefined ? undefined : this.#removeQueue(queue);
      }
      case "topic deleted": {
        const topic = this.directory.find(rest[0] as string);
        return topic === undefined ? undefined : this.#removeTopic(topic);
      }
      case "checkpoint":
        this.#named = new Set();
        this.producers.checkpoint();
        return;
      case "complete":
        return this.#complete();
      default:
        throw new Error(`replay: a directory record of the unknown kind ${String(kind)}`);
    }
  }

  #topic([name, config, startTime]: readonly [string, Partial<TopicConfig>, number]): void {
    const known = this.directory.find(name);
    // It was deleted, and another topic has its name.
    if (known !== undefined && known.startTime !== startTime) this.#removeTopic(known);
    const topic = this.directory.restoreTopic(name, config, startTime);
    this.#named?.add(topic);
  }

  #queue([number, name, bindKey, paused, isDeclared = bindKey !== DEFAULT_KEY]: QueueEntry): void {
    const topic = this.directory.topic(name);
    const known = this.directory.queues[number];
    let queue = known?.topic === topic && known.bindKey === bindKey ? known : undefined;
    if (queue === undefined) {
      if (known !== undefined) this.#removeQueue(known);
      const namesake = topic.queues.get(bindKey);
      if (namesake !== undefined) this.#removeQueue(namesake);
      queue = this.directory.restoreQueue(topic, bindKey, number);
    }
    queue.paused = paused;
    queue.isDeclared = isDeclared;
    this.#named?.add(queue);
  }

  #channel([number, name, config, epoch, next]: ChannelEntry): void {
    const known = this.directory.queues[number];
    let channel = this.directory.findChannel(name);
    if (channel === undefined || channel.queue !== known) {
      if (known !== undefined) this.#removeQueue(known);
      if (channel !== undefined) this.#removeQueue(channel.queue);
      channel = this.directory.restoreChannel(name, number);
    }
    channel.restore(config, epoch, next);
    this.#named?.add(channel.queue);
  }

  #complete(): void {
    const named = this.#named;
    this.#named = undefined;
    if (named === undefined) return;
    this.isWhole = true;
    for (const queue of this.directory.queues) if (queue !== undefined && !named.has(queue)) this.#removeQueue(queue);
    for (const topic of [...this.directory.topics]) if (!named.has(topic)) this.#removeTopic(topic);
    this.producers.complete();
  }

  #removeTopic(topic: Topic): void {
    for (const queue of [...topic.queues.values()]) this.#removeQueue(queue);
    this.directory.removeTopic(topic);
  }

  #removeQueue(queue: Queue): void {
    this.onQueueGoing(queue);
    for (const state of ALL_STATES) drop(queue, state, Number.POSITIVE_INFINITY);
    this.directory.removeQueue(queue);
  }
}
