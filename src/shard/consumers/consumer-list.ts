/** CONSUMERS: who takes messages in this shard, a page at a time. */
import type { ListConsumers } from "../command.js";
import type { Effects } from "../effects.js";
import type { Connections } from "./connections.js";
import type { Consumer } from "./consumer.js";

/** Whether a consumer could be handed something now, and if not, why. */
const stateOf = (consumer: Consumer): string => {
  if (consumer.stopped) return "stopped";
  if (consumer.connection.isOnHold) return "held";
  return consumer.credit > 0 ? "waiting" : "no-credit";
};

/** What is told of a consumer or a waiting pop: see docs/protocol.md. */
export const describe = (consumer: Consumer): Record<string, unknown> => ({
  number: consumer.number + 1,
  connection: consumer.connection.number,
  client: consumer.client,
  topic: consumer.queue.topic.name,
  queue: consumer.queue.bindKey,
  pop: consumer.isPop,
  state: stateOf(consumer),
  credit: consumer.credit,
  inFlight: consumer.heldCount,
});

export const listConsumers = ({ consumers }: Connections, effects: Effects, c: ListConsumers): void => {
  const page: Record<string, unknown>[] = [];
  let more = false;
  for (let i = c.after; i < consumers.length && !more; i++) {
    const consumer = consumers[i];
    if (consumer === undefined) continue;
    if (page.length < c.max) page.push(describe(consumer));
    else more = true;
  }
  effects.result(c.connection, c.request, [page, more]);
};
