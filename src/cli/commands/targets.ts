/** Where messages are published to: a topic or a channel. */
import type { BatchReceipt, Body, ChannelReceipt, Client, PublishOptions, Receipt } from "../../client/index.js";
import { plural } from "../units.js";

/** Any answer to a publish. */
export type AnyReceipt = Receipt | BatchReceipt | ChannelReceipt;

/** A line of output for a message that was taken: for people, and as an object. */
export interface Confirmed {
  readonly text: string;
  readonly fields: object;
}

export interface Target {
  readonly publish: (body: Body, options: PublishOptions) => Promise<AnyReceipt>;
  /** All of them are taken, or none. */
  readonly publishBatch: (bodies: readonly Body[], options: PublishOptions) => Promise<AnyReceipt>;
}

export const topicTarget = (client: Client, topic: string): Target => ({
  publish: (body, options) => client.publish(topic, body, options),
  // Only one message by itself has a key here.
  publishBatch: (bodies, { key: _none, ...options }) => client.publishBatch(topic, bodies, options),
});

/** A channel knows no batches: no flag asks for one. */
export const channelTarget = (client: Client, channel: string): Target => ({
  publish: (body, { routeKey: key, headers }) => client.publishToChannel(channel, body, { key, headers }),
  publishBatch: () => Promise.reject(new Error("a channel takes no batch")),
});

/** What a receipt says of each of its messages. */
export const confirmedBy = (receipt: AnyReceipt): readonly Confirmed[] => {
  if ("subscribers" in receipt) return [{ text: plural(receipt.subscribers, "subscriber"), fields: receipt }];
  if (!("ids" in receipt)) return [{ text: receipt.id, fields: receipt.toJSON() }];
  const { ids, durability } = receipt;
  return ids.map((id) => ({ text: id, fields: { id, durability } }));
};
