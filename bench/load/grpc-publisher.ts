/**
 * Publishes by Pub calls: concurrent loops over a few connections, each of which awaits its call, as users of gRPC do.
 */
import { Histogram, type Percentiles } from "../measure/histogram.js";
import { body } from "../wire/frames.js";
import { type MqClient, mqClient } from "../wire/grpc.js";
import { type Role, timed, type Work } from "./role.js";

export interface GrpcPublish {
  /** `host:port`. */
  readonly target: string;
  readonly topic: string;
  readonly bodyBytes: number;
  readonly messages: number;
  readonly connections: number;
  /** Calls at once on each connection. */
  readonly calls: number;
  readonly seconds: number;
}

export interface GrpcPublishOutcome extends Work {
  /** From the call to its answer. */
  readonly answer: Percentiles;
}

const ready = (client: MqClient): Promise<void> =>
  new Promise((resolve, reject) =>
    client.waitForReady(Date.now() + 10_000, (error) => (error === undefined ? resolve() : reject(error))),
  );

export const grpcPublisher: Role<GrpcPublish, GrpcPublishOutcome> = async (params) => {
  const clients = Array.from({ length: params.connections }, () => mqClient(params.target));
  await Promise.all(clients.map(ready));
  const payload = Buffer.from(body(params.bodyBytes));
  const answer = new Histogram();
  const call = (client: MqClient): Promise<void> =>
    new Promise((resolve, reject) => {
      const start = performance.now();
      client.Pub({ topic: params.topic, payload }, (error) => {
        if (error !== null) return reject(error);
        answer.record((performance.now() - start) * 1000);
        resolve();
      });
    });
  return {
    run: async () => {
      const work = await timed(async () => {
        const deadline = performance.now() + params.seconds * 1000;
        let sent = 0;
        const loop = async (client: MqClient): Promise<void> => {
          while (sent < params.messages && performance.now() < deadline) {
            sent++;
            await call(client);
          }
        };
        const loops = clients.flatMap((client) => Array.from({ length: params.calls }, () => loop(client)));
        await Promise.all(loops);
        return sent;
      });
      for (const client of clients) client.close();
      return { ...work, answer: answer.percentiles() };
    },
  };
};
