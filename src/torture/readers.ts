/** Actors that read a queue, by consuming or popping. The plan says how they settle messages. */
import { setTimeout as delay } from "node:timers/promises";
import { unobserved } from "../client/base/deferred.js";
import type { Message } from "../client/consume/message.js";
import type { MessageBatch } from "../client/consume/message-batch.js";
import { readBody } from "./body.js";
import type { TortureContext } from "./context.js";
import type { Ledger, Order } from "./ledger.js";
import type { Behavior, TopicPlan } from "./plan.js";
import type { Random } from "./random.js";

/** A queue, as indices into the plan: its topic's, and its own. */
export interface Place {
  readonly topic: number;
  readonly queue: number;
  readonly plan: TopicPlan;
  readonly bindKey: string;
}

interface Held {
  readonly message: Message;
  readonly slot: number;
}

/** The longest delay of a nack, milliseconds. */
const MAX_NACK_DELAY = 500;

const POP_WAIT = 200;
const MAX_POP = 200;

/** Milliseconds between pops, so that consumers get their share. */
const POP_PAUSE = 20;

/** Records deliveries. Returns the messages that may be settled. */
export const note = (ledger: Ledger, at: Place, messages: Iterable<Message>, order?: Order): Held[] => {
  const held: Held[] = [];
  for (const message of messages) {
    const { id, retry, deadReason, deadline } = message;
    const arrival = { id, retry, isDead: deadReason !== undefined, deadline };
    const slot = ledger.arrive(at.topic, at.queue, readBody(message.body), arrival, order);
    if (slot >= 0 && !message.isAcked) held.push({ message, slot });
  }
  return held;
};

/** Acks one message and records the result. */
export const ack = (ledger: Ledger, { message, slot }: Held): Promise<void> => {
  const { deadline } = message;
  ledger.acking(slot, deadline);
  return message.ack().then(
    () => ledger.ackConfirmed(slot),
    (error: { readonly code?: unknown }) => {
      if (error.code === "LEASE_LOST") ledger.ackRefused(slot, deadline);
    },
  );
};

const ackBatch = (ledger: Ledger, batch: MessageBatch, held: readonly Held[]): void => {
  for (const { slot, message } of held) ledger.acking(slot, message.deadline);
  batch.ack().then(
    ({ faults }) => {
      const codes = new Map(faults.map(({ id, code }) => [id, code]));
      for (const { slot, message } of held) {
        const code = codes.get(message.id);
        if (code === undefined) ledger.ackConfirmed(slot);
        else if (code === "LEASE_LOST") ledger.ackRefused(slot, message.deadline);
      }
    },
    // The connection ended: the outcome of the acks is unknown.
    () => {},
  );
};

const giveBack = (ledger: Ledger, { message, slot }: Held, wait: number, isRejected: boolean): void => {
  ledger.returning(slot);
  const { retry } = message;
  message.nack({ delay: wait, retry: !isRejected }).then(
    () => ledger.returned(slot, retry, isRejected),
    () => ledger.returnLost(slot),
  );
};

const settle = (ledger: Ledger, random: Random, behavior: Behavior, held: readonly Held[]): void => {
  const { nack, reject, abandon } = behavior;
  for (const one of held) {
    const dice = random.fraction();
    if (dice < abandon) continue;
    if (dice < abandon + nack) giveBack(ledger, one, random.chance(0.5) ? random.between(1, MAX_NACK_DELAY) : 0, false);
    else if (dice < abandon + nack + reject) giveBack(ledger, one, 0, true);
    else unobserved(ack(ledger, one));
  }
};

/** Consumes a queue. `order`: shared by successive readers, if new messages come in order. */
export const consume = (context: TortureContext, random: Random, at: Place, order: Order | undefined): Promise<void> =>
  context.act(async (client) => {
    const { name, prefetch, behavior, autoAck } = at.plan;
    // On an auto-ack topic, messages under way to it are lost when it ends.
    if (autoAck) context.unseen += prefetch;
    const consumer = await client.consume(name, { queue: at.bindKey, prefetch });
    for await (const batch of consumer.batches()) {
      const held = note(context.ledger, at, batch, order);
      if (random.chance(behavior.disconnect)) {
        // Before leaving the loop, which would stop the consumer cleanly and return unread messages.
        if (random.chance(0.5)) await client.close();
        return;
      }
      if (behavior.holdMs > 0) await delay(behavior.holdMs);
      if (random.chance(behavior.ackBatch)) ackBatch(context.ledger, batch, held);
      else settle(context.ledger, random, behavior, held);
    }
  });

/** Pops from a queue. */
export const pop = (context: TortureContext, random: Random, at: Place): Promise<void> =>
  context.act(async (client) => {
    const { name, behavior } = at.plan;
    while (!context.isStopping) {
      const max = random.between(1, MAX_POP);
      const held = note(context.ledger, at, await client.pop(name, { queue: at.bindKey, max, wait: POP_WAIT }));
      settle(context.ledger, random, behavior, held);
      if (random.chance(behavior.disconnect)) return;
      await delay(POP_PAUSE);
    }
  });
