/**
 * Subscribers of a topic by Sub calls: many streams over a few connections, which count what they receive.
 */
import { monotonicMicros } from "../measure/clock.js";
import { Histogram } from "../measure/histogram.js";
import { mqClient } from "../wire/grpc.js";
import { Completion } from "./completion.js";
import type { SubscribeOutcome } from "./raw-subscribers.js";
import { type Role, timed } from "./role.js";

export interface GrpcSubscribe {
  /** `host:port`. */
  readonly target: string;
  readonly topic: string;
  readonly subscribers: number;
  readonly connections: number;
  /** Messages published. Each subscriber receives them or is told that it lost them. */
  readonly messages: number;
  readonly seconds: number;
}

export const grpcSubscribers: Role<GrpcSubscribe, SubscribeOutcome> = async (params) => {
  const { target, topic, subscribers, connections, messages, seconds } = params;
  const expected = messages * subscribers;
  const clients = Array.from({ length: connections }, () => mqClient(target));
  const deliver = new Histogram();
  const completion = new Completion();
  let got = 0;
  let lost = 0;
  const subscribe = (index: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const stream = clients[index % connections]?.Sub({ topic });
      stream?.on("error", reject);
      stream?.once("metadata", () => resolve());
      stream?.on("data", (message) => {
        deliver.record(monotonicMicros() - message.payload.readDoubleBE(0));
        got++;
        lost += message.lost;
        if (got + lost >= expected) completion.done();
      });
    });
  await Promise.all(Array.from({ length: subscribers }, (_, i) => subscribe(i)));
  return {
    run: async () => {
      const work = await timed(async () => {
        await completion.wait(seconds, () => {
          if (got + lost >= expected) completion.done();
        });
        return got;
      });
      for (const client of clients) client.close();
      return { ...work, lost, deliver: deliver.percentiles() };
    },
  };
};
