/**
 * Consumes and acks through the client library.
 */
import { connect } from "ringmq/client";
import { type Address, type Role, timed, url, type Work } from "./role.js";

export interface ClientConsume {
  readonly address: Address;
  readonly topic: string;
  readonly messages: number;
  readonly prefetch: number;
  readonly seconds: number;
}

export const clientConsumer: Role<ClientConsume, Work> = async (params) => {
  const client = await connect(url(params.address), { name: "bench" });
  return {
    run: async () => {
      const work = await timed(async () => {
        const consumer = await client.consume(params.topic, { prefetch: params.prefetch });
        const timer = setTimeout(() => void consumer.stop(), params.seconds * 1000);
        let acked = 0;
        let last: Promise<unknown> = Promise.resolve();
        for await (const message of consumer) {
          last = message.ack();
          acked++;
          if (acked === params.messages) break;
        }
        await last;
        clearTimeout(timer);
        return acked;
      });
      await client.close();
      return work;
    },
  };
};
