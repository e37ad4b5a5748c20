/**
 * EXPLAIN: why messages of a topic do not arrive, in words and numbers. It looks at what there is and changes nothing; nobody pays
 * for it who does not ask.
 */
import { DEFAULT_KEY } from "../../protocol/limits.js";
import { Durability } from "../../protocol/op.js";
import type { Explain } from "../command.js";
import type { Queue } from "../messages/queue.js";
import type { Store } from "../messages/store.js";
import { LOOKS_PER_EXTENT, type Steps } from "../steps.js";
import type { Refusal } from "../topics/batch-appender.js";
import type { Directory } from "../topics/directory.js";
import { RouteSearch } from "../topics/route-search.js";
import type { Topic } from "../topics/topic.js";
import type { Connections } from "./connections.js";
import { ConsumerSet } from "./consumer.js";
import {
  byWeight,
  type Details,
  type Finding,
  type FindingCode,
  messages,
  queues as queuesText,
  since,
} from "./finding.js";
import { QueueFindings } from "./queue-findings.js";

/** Queues that are told of where none is named, and bind keys that are listed. */
const MAX_QUEUES = 32;

/** What the rest of the shard knows. */
export interface ShardView {
  /** Why publishes that must be kept are refused. */
  readonly refusal: Refusal | undefined;
  readonly isCrowded: boolean;
}

const namesOf = (queues: Iterable<Queue>): string[] => {
  const names: string[] = [];
  for (const { bindKey } of queues) {
    if (names.length === MAX_QUEUES) break;
    names.push(bindKey);
  }
  return names;
};

const ofTopic = (code: FindingCode, text: string, details: Details = {}): Finding => ({
  code,
  queue: null,
  text,
  details,
});

export class Explanations {
  constructor(
    readonly store: Store,
    readonly directory: Directory,
    readonly connections: Connections,
    readonly view: () => ShardView,
  ) {}

  /** Throws BAD_PATTERN. */
  *steps(c: Explain): Steps<Explain> {
    const { connection, request, topic: name, queue, routeKey } = c;
    const topic = this.directory.find(name);
    const found: Finding[] = [];
    // It would be made with the broker's level.
    if (topic === undefined) found.push(this.#noTopic(), ...this.#refused());
    else {
      if (routeKey !== null) found.push(yield* this.#route(topic, routeKey));
      found.push(...this.#ofTopic(topic));
      yield* this.#ofQueues(topic, queue, found);
    }
    this.store.effects.result(connection, request, byWeight(found));
  }

  #noTopic(): Finding {
    const text = `there is no such topic: nothing was published to it and nobody consumes from it, or it was deleted, or forgotten because it was empty and not used`;
    return ofTopic("NO_TOPIC", text);
  }

  /** Whether publishes that must be kept are. */
  #refused(): Finding[] {
    const { refusal } = this.view();
    if (refusal === undefined) return [];
    const text = `publishes to the topic are refused: ${refusal.text}`;
    return [ofTopic("PUBLISHES_REFUSED", text, { error: refusal.kind })];
  }

  *#route(topic: Topic, routeKey: string): Steps<Explain, Finding> {
    const isPattern = topic.isPattern && routeKey !== "";
    let reached = topic.route(routeKey);
    if (reached === undefined) {
      const search = new RouteSearch(topic, routeKey);
      while (!search.advance(this.store.stepExtents * LOOKS_PER_EXTENT)) yield;
      reached = search.queues;
    }
    const details = { routeKey, mode: topic.config.mode, count: reached.length, queues: namesOf(reached) };
    if (reached.length > 0) {
      return ofTopic(
        "REACHES",
        `the route key reaches ${queuesText(reached.length)}: ${details.queues.join(", ")}`,
        details,
      );
    }
    const key = routeKey || DEFAULT_KEY;
    if (!isPattern && key === DEFAULT_KEY) {
      return ofTopic(
        "REACHES",
        "the route key reaches the queue default, which is made with its first message",
        details,
      );
    }
    const known = namesOf(topic.queues.values());
    const how = isPattern ? "matches none of the bind keys" : "names none of the queues";
    return ofTopic("NO_ROUTE", `the route key ${how}; there are ${known.join(", ") || "none"}`, { ...details, known });
  }

  #ofTopic(topic: Topic): Finding[] {
    const { store } = this;
    const { expired, dropped, config, startTime } = topic;
    const found = topic.level > Durability.memory ? this.#refused() : [];
    if (expired > 0) {
      const end = config.expired === "drop" ? "are gone" : "became dead letters";
      found.push(
        ofTopic("EXPIRED", `expired because nobody took them in time: ${messages(expired)}, which ${end}`, { expired }),
      );
    }
    if (dropped > 0) {
      const text = `dropped: ${messages(dropped)}, which were purged, cancelled, deleted with their queue, or displaced by newer ones`;
      found.push(ofTopic("DROPPED", text, { dropped }));
    }
    if (topic.queues.size === 0) {
      found.push(
        ofTopic(
          "EMPTY",
          `the topic has no queue: nobody has published to it or consumed from it since it was made ${since(startTime, store.now)}`,
          {
            since: startTime,
          },
        ),
      );
    }
    return found;
  }

  *#ofQueues(topic: Topic, named: string | null, found: Finding[]): Steps<Explain, void> {
    if (named !== null) {
      const queue = topic.queues.get(named || DEFAULT_KEY);
      if (queue !== undefined) found.push(...this.#ofQueue(topic, queue));
      else {
        const known = namesOf(topic.queues.values());
        found.push({
          code: "NO_QUEUE",
          queue: named,
          text: `there is no such queue; there are ${known.join(", ") || "none"}`,
          details: { known },
        });
      }
      return;
    }
    let told = 0;
    for (const queue of topic.queues.values()) {
      if (told++ === MAX_QUEUES) {
        const text = `the topic has ${queuesText(topic.queues.size)}, of which ${MAX_QUEUES} are told of: name another one`;
        found.push(ofTopic("MORE_QUEUES", text, { queues: topic.queues.size, told: MAX_QUEUES }));
        return;
      }
      found.push(...this.#ofQueue(topic, queue));
      yield;
    }
  }

  #ofQueue(topic: Topic, queue: Queue): readonly Finding[] {
    const set = queue.consumers instanceof ConsumerSet ? queue.consumers : undefined;
    const { isCrowded } = this.view();
    const found = new QueueFindings(queue, set).all({ inLine: this.connections.scheduled.length, isCrowded });
    return queue.length + queue.inFlightCount + queue.deadCount > 0 ? found : [...found, this.#empty(topic, queue)];
  }

  #empty({ published, publishedAt, startTime }: Topic, { bindKey, holderCount }: Queue): Finding {
    const last =
      publishedAt > 0
        ? `the last message of the topic was published ${since(publishedAt, this.store.now)}`
        : `nothing was published to the topic since it was made ${since(startTime, this.store.now)}, or the broker was started`;
    const fine = holderCount > 0 ? "nothing is wrong: " : "";
    const details = { published, lastPublished: publishedAt, since: startTime };
    return { code: "EMPTY", queue: bindKey, text: `${fine}the queue is empty; ${last}`, details };
  }
}
