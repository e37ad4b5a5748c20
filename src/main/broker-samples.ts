/** What a scrape finds of a broker: from its parts on the main thread, and from what its other threads publish. */
import type { TopicRows } from "../metrics/topic-metrics.js";
import { VERSION } from "../protocol/version.js";
import type { Engine } from "./engine.js";
import type { Health } from "./metrics/health.js";
import { Samples } from "./metrics/samples.js";
import type { MqFiles } from "./mq-files.js";
import type { ConnectionTable } from "./native/connection-table.js";
import type { BrokerOptions } from "./options.js";
import type { Server } from "./server.js";

export interface SampledBroker {
  readonly options: BrokerOptions;
  readonly engine: Engine;
  readonly server: Server;
  readonly connections: ConnectionTable;
  readonly health: Health;
  /** Undefined: there are no files of topics. */
  readonly mqFiles: MqFiles | undefined;
}

export const sampleBroker = ({ options, engine, server, connections, health, mqFiles }: SampledBroker): Samples => {
  const samples = new Samples();
  const { supervisor } = engine;
  const { usage } = server;
  samples.add("info", 1, { version: VERSION, node: String(options.node) });
  samples.add("ready", health.hindrance === undefined ? 1 : 0);
  samples.add("ringSize", options.ringBytes);
  for (const [protocol, count] of connections.byProtocol) samples.add("connections", count, { protocol });
  for (const [protocol, { received, sent }] of connections.traffic) {
    samples.add("received", received, { protocol });
    samples.add("sent", sent, { protocol });
  }
  samples.add("connectionLimit", options.maxConnections);
  samples.add("sockets", usage.sockets);
  samples.add("assemblyBytes", usage.assemblyBytes);
  samples.add("waitingBytes", usage.waitingBytes);
  samples.add("unsentBytes", usage.unsentBytes);
  samples.add("calls", usage.calls);
  samples.add("callBytes", usage.callBytes);
  samples.add("responders", usage.responders);
  const { freeBytes } = engine;
  if (freeBytes !== undefined) {
    samples.add("diskFree", freeBytes);
    samples.add("diskReserve", options.diskReserve);
  }
  samples.add("busy", performance.eventLoopUtilization().active / 1_000, { thread: "main" });
  for (const [thread, loop] of [["grpc", server.grpcLoop] as const, ["mq-files", mqFiles] as const]) {
    if (loop === undefined) continue;
    samples.add("busy", loop.busySeconds, { thread });
    samples.add("lag", loop.lagSeconds, { thread });
  }
  const now = performance.timeOrigin + performance.now();
  const topics: TopicRows[] = [];
  for (const [shard, metrics] of supervisor.metrics.entries()) {
    const life = supervisor.life(shard);
    const reading = {
      isUp: supervisor.isUp(shard),
      restarts: supervisor.restarts[shard] ?? 0,
      values: metrics.read(),
      inboxBytes: life?.link.inboxBytes ?? 0,
      outboxBytes: life?.link.outboxBytes ?? 0,
    };
    samples.addShard(shard, reading, now);
    if (life?.topics !== undefined) topics.push(life.topics);
  }
  if (options.metricsTopics > 0) samples.addTopics(topics, options.metricsTopics, now);
  return samples;
};
