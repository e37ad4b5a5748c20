/**
 * Requests through the client library, so many at a time, and the responder that they go to.
 */
import { connect } from "ringmq/client";
import { Histogram, type Percentiles } from "../measure/histogram.js";
import { type Address, url } from "../wire/address.js";
import { body } from "../wire/frames.js";
import { type Prepared, type Role, timed, type Work } from "./role.js";

export interface Requests {
  readonly address: Address;
  readonly channel: string;
  readonly bodyBytes: number;
  readonly messages: number;
  /** Requests before those that are measured. */
  readonly warmUp: number;
  /** Requests that wait for their replies at a time. */
  readonly inFlight: number;
  readonly seconds: number;
}

export interface RequestsOutcome extends Work {
  /** From the call until its reply was there. */
  readonly trip: Percentiles;
}

export const clientRequester: Role<Requests, RequestsOutcome> = async (params) => {
  const { channel, inFlight, messages, warmUp } = params;
  const client = await connect(url(params.address), { name: "bench" });
  const message = body(params.bodyBytes);
  /** Makes requests until so many are begun or the time is over; answers how many. */
  const loops = async (count: number, seconds: number, trip?: Histogram): Promise<number> => {
    const deadline = performance.now() + seconds * 1000;
    let begun = 0;
    const loop = async (): Promise<void> => {
      while (begun < count && performance.now() < deadline) {
        begun++;
        const start = performance.now();
        await client.request(channel, message);
        trip?.record((performance.now() - start) * 1000);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, loop));
    return begun;
  };
  await loops(warmUp, params.seconds);
  return {
    run: async () => {
      const trip = new Histogram();
      const work = await timed(() => loops(messages, params.seconds, trip));
      await client.close();
      return { ...work, trip: trip.percentiles() };
    },
  };
};

/** Replies with what it was sent, from when it is prepared until its process ends. */
export const clientResponder: Role<Pick<Requests, "address" | "channel">, void> = async ({ address, channel }) => {
  const client = await connect(url(address), { name: "bench" });
  await client.respond(channel, ({ body: echo }) => echo, { concurrency: 1_024 });
  const prepared: Prepared<void> = {
    run: async () => {
      await client.closed;
    },
  };
  return prepared;
};
