/** Drains a broker that nobody else uses, and checks that it is empty. */
import { setTimeout as delay } from "node:timers/promises";
import type { TopicStatistics } from "../client/arguments/options.js";
import { RingmqError } from "../client/base/error.js";
import type { Client } from "../client/client.js";
import type { Findings } from "./findings.js";
import type { Ledger } from "./ledger.js";
import { isForgettable, PLAN, type TopicPlan } from "./plan.js";
import { ack, note, type Place } from "./readers.js";

/** Messages to take at a time. */
const MAX = 1_000;
const MAX_BYTES = 4 * 1024 * 1024;

/** Milliseconds between two attempts while only delayed messages are left. */
const LOOK = 50;

/**
 * Reads every queue and its dead letters until the broker counts no messages. At most `timeout` milliseconds per topic.
 */
export const drain = async (client: Client, ledger: Ledger, places: readonly Place[], timeout: number) => {
  for (const [topic, plan] of PLAN.entries()) {
    const statistics = await statisticsOf(client, plan, ledger.findings);
    if (statistics === undefined) continue;
    await drainTopic(
      client,
      ledger,
      plan,
      // A topic that is gone is among the findings.
      places.filter((place) => place.topic === topic && has(statistics, place.bindKey)),
      timeout,
    );
  }
};

const has = ({ queues }: TopicStatistics, bindKey: string): boolean =>
  queues.some((queue) => queue.bindKey === bindKey);

const drainTopic = async (
  client: Client,
  ledger: Ledger,
  plan: TopicPlan,
  places: readonly Place[],
  timeout: number,
): Promise<void> => {
  const deadline = performance.now() + timeout;
  for (;;) {
    for (const place of places) await drainQueue(client, ledger, place);
    const left = leftOf(await client.stats(plan.name));
    if (left === "") return;
    if (performance.now() > deadline) {
      ledger.findings.add("not drained", `${plan.name} after ${timeout / 1_000} s: ${left}`);
      return;
    }
    await delay(LOOK);
  }
};

const drainQueue = async (client: Client, ledger: Ledger, place: Place): Promise<void> => {
  const options = { queue: place.bindKey, max: MAX, maxBytes: MAX_BYTES };
  for (const take of [() => client.pop(place.plan.name, options), () => client.popDead(place.plan.name, options)]) {
    for (;;) {
      const messages = await take();
      await Promise.all(note(ledger, place, messages).map((held) => ack(ledger, held)));
      if (messages.length === 0) break;
    }
  }
};

/** Checks that no topic has a message. */
export const assertEmpty = async (client: Client, findings: Findings): Promise<void> => {
  for (const plan of PLAN) {
    const statistics = await statisticsOf(client, plan, findings);
    const left = statistics === undefined ? "" : leftOf(statistics);
    if (left !== "") findings.add("resurrected", `${plan.name}, read empty before the last start: ${left}`);
  }
};

/** The statistics of a topic, or undefined if there is none of the name. Also checks its configuration. */
const statisticsOf = async (
  client: Client,
  plan: TopicPlan,
  findings: Findings,
): Promise<TopicStatistics | undefined> => {
  try {
    const statistics = await client.stats(plan.name);
    const config = new Map<string, unknown>(Object.entries(statistics.config));
    for (const [key, value] of Object.entries(plan.config)) {
      if (config.get(key) === value) continue;
      findings.add("configuration", `${plan.name}: ${key} is ${config.get(key)}, not ${value}`);
    }
    const queues = statistics.queues.map(({ bindKey }) => bindKey);
    for (const queue of plan.queues) {
      if (!queues.includes(queue) && queue !== "default") findings.add("configuration", `${plan.name} has no ${queue}`);
    }
    return statistics;
  } catch (error) {
    if (!(error instanceof RingmqError) || error.code !== "NO_TOPIC") throw error;
    if (!isForgettable(plan)) findings.add("configuration", `${plan.name} is gone`);
    return undefined;
  }
};

/** The messages of a topic in words; empty if there are none. */
const leftOf = ({ queues }: TopicStatistics): string =>
  queues
    .filter(({ ready, delayed, inFlight, deadLetters }) => ready + delayed + inFlight + deadLetters > 0)
    .map(
      ({ bindKey, ready, delayed, inFlight, deadLetters }) =>
        `${bindKey} has ${ready} ready, ${delayed} delayed, ${inFlight} in flight, ${deadLetters} dead`,
    )
    .join("; ");
