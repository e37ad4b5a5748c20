/**
 * Consumes and acks through the client library, as it does by default.
 */
import { type Consumer, connect } from "ringmq/client";
import { type Address, url } from "../wire/address.js";
import { type Role, timed, type Work } from "./role.js";

export interface ClientConsume {
  readonly address: Address;
  readonly topic: string;
  readonly messages: number;
  readonly seconds: number;
  /** Reads and acks messages in batches instead of one by one. */
  readonly batches: boolean;
}

/** Returns the number of acked messages. */
const oneByOne = async (consumer: Consumer, messages: number): Promise<number> => {
  let acked = 0;
  let last: Promise<unknown> = Promise.resolve();
  for await (const message of consumer) {
    last = message.ack();
    acked++;
    if (acked >= messages) break;
  }
  await last;
  return acked;
};

const inBatches = async (consumer: Consumer, messages: number): Promise<number> => {
  let acked = 0;
  let last: Promise<unknown> = Promise.resolve();
  for await (const batch of consumer.batches()) {
    last = batch.ack();
    acked += batch.size;
    if (acked >= messages) break;
  }
  await last;
  return acked;
};

export const clientConsumer: Role<ClientConsume, Work> = async (params) => {
  const client = await connect(url(params.address), { name: "bench" });
  return {
    run: async () => {
      const work = await timed(async () => {
        const consumer = await client.consume(params.topic);
        const timer = setTimeout(() => void consumer.stop(), params.seconds * 1000);
        const acked = await (params.batches ? inBatches : oneByOne)(consumer, params.messages);
        clearTimeout(timer);
        return acked;
      });
      await client.close();
      return work;
    },
  };
};
