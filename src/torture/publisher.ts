/** Publishes to all topics of the plan: single messages, bursts and batches, small and large, delayed or not. */
import { setTimeout as delay } from "node:timers/promises";
import type { PublishOptions } from "../client/arguments/options.js";
import type { Client } from "../client/client.js";
import { MIN_BODY_BYTES, makeBody } from "./body.js";
import type { TortureContext } from "./context.js";
import { IN_DOUBT } from "./in-doubt.js";
import { PLAN, type TopicPlan } from "./plan.js";
import type { Random } from "./random.js";

/** Messages of one burst. */
const MAX_BURST = 100;

/** Messages that may wait in a topic: more would only make the final drain longer. */
const MAX_BACKLOG = 5_000;

const BACKLOG_PAUSE = 20;

/**
 * Sizes of bodies, and how many of a thousand have them. The largest are rare: they make records longer than a page.
 */
const SIZES = [
  { of1000: 950, max: 300 },
  { of1000: 48, max: 20_000 },
  { of1000: 2, max: 600_000 },
] as const;

interface Draft {
  readonly slot: number;
  readonly bytes: Uint8Array;
}

export const publish = (context: TortureContext, random: Random): Promise<void> =>
  context.act(async (client) => {
    let isOpen = true;
    void client.closed.then(() => {
      isOpen = false;
    });
    while (isOpen && !context.isStopping) {
      const topic = random.between(0, PLAN.length - 1);
      const plan = PLAN[topic];
      if (plan === undefined || context.ledger.isFull || context.ledger.outstanding(topic) > MAX_BACKLOG) {
        await delay(BACKLOG_PAUSE);
        continue;
      }
      const count = random.chance(0.3) ? 1 : random.between(1, MAX_BURST);
      await context.pace(count);
      await client.ready();
      burst(context, random, client, topic, plan, count);
    }
  });

const burst = (
  context: TortureContext,
  random: Random,
  client: Client,
  topic: number,
  plan: TopicPlan,
  count: number,
): void => {
  const { ledger } = context;
  const { key, first, copies } = random.pick(plan.routes);
  const wait = random.chance(plan.delayed) ? random.between(1, plan.maxDelay) : 0;
  const options: PublishOptions = {
    ...(key === undefined ? {} : { routeKey: key }),
    ...(wait === 0 ? {} : { delay: wait }),
  };
  const due = wait === 0 ? 0 : Date.now() + wait;
  const drafts: Draft[] = Array.from({ length: count }, () => {
    const slot = ledger.send(topic, copies, wait > 0);
    return { slot, bytes: makeBody({ run: ledger.run, slot, topic, first, copies, due }, size(random)) };
  });
  const failed = (error: unknown, drafts: readonly Draft[]): void => {
    if (IN_DOUBT.has(context.refused(error).code)) return;
    for (const { slot } of drafts) ledger.refuse(slot, copies);
  };
  if (random.chance(0.5)) {
    const bodies = drafts.map(({ bytes }) => bytes);
    client.publishBatch(plan.name, bodies, options).then(
      ({ ids }) => {
        for (const [i, { slot }] of drafts.entries()) ledger.confirm(slot, copies, ids[i] ?? "0");
      },
      (error: unknown) => failed(error, drafts),
    );
    return;
  }
  for (const draft of drafts) {
    client.publish(plan.name, draft.bytes, options).then(
      ({ id }) => ledger.confirm(draft.slot, copies, id),
      (error: unknown) => failed(error, [draft]),
    );
  }
};

const size = (random: Random): number => {
  let left = random.between(0, 999);
  for (const { of1000, max } of SIZES) {
    if (left < of1000) return random.between(MIN_BODY_BYTES, max);
    left -= of1000;
  }
  return MIN_BODY_BYTES;
};
