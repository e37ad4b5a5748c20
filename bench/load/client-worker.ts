/**
 * Works on messages through the client library: an empty async handler for each.
 */
import { connect } from "ringmq/client";
import { type Address, url } from "../wire/address.js";
import { Completion } from "./completion.js";
import { type Role, timed, type Work } from "./role.js";

export interface ClientWork {
  readonly address: Address;
  readonly topic: string;
  readonly messages: number;
  readonly seconds: number;
  /** Handlers at a time. */
  readonly concurrency: number;
}

export const clientWorker: Role<ClientWork, Work> = async ({ address, topic, messages, seconds, concurrency }) => {
  const client = await connect(url(address), { name: "bench" });
  return {
    run: async () => {
      const work = await timed(async () => {
        const completion = new Completion();
        let left = messages;
        const worker = await client.work(
          topic,
          async () => {
            if (--left === 0) completion.done();
          },
          { concurrency },
        );
        await completion.wait(seconds, () => {
          if (left === 0) completion.done();
        });
        // Every ack is answered then.
        await worker.drain();
        return worker.processed - worker.lost;
      });
      await client.close();
      return work;
    },
  };
};
