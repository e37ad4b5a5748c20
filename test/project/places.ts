/** Probes for the rooms of `src`: what each may import and what not. */

import { CONSOLE_PLACES } from "./console-places.js";
import { MAIN_PLACES } from "./main-places.js";

/** A file, modules that it may import and modules that it may not. */
export interface Place {
  readonly file: string;
  readonly may: readonly string[];
  readonly mayNot: readonly string[];
}

/** For each room a file, modules that it may import and modules that it may not. */
export const PLACES: readonly Place[] = [
  ...MAIN_PLACES,
  ...CONSOLE_PLACES,
  {
    file: "src/protocol/probe.ts",
    may: ["./op.js"],
    mayNot: ["node:buffer", "../shard/command.js", "../channel/ring.js", "msgpackr", "msgpackr/pack"],
  },
  {
    file: "src/collections/probe.ts",
    may: ["./fifo.js"],
    mayNot: ["node:fs", "../protocol/frame.js", "../shard/shard.js", "msgpackr/pack"],
  },
  {
    file: "src/bridge/probe.ts",
    may: ["./bridge.js"],
    mayNot: ["node:worker_threads", "../protocol/frame.js", "../main/native/transport.js", "../client/client.js"],
  },
  {
    file: "src/bridge/client/probe.ts",
    may: ["./lane-transport.js", "../bridge.js", "../../client/connection/transport.js"],
    mayNot: ["node:worker_threads", "../../client/client.js", "../../main/native/transport.js"],
  },
  {
    file: "src/grpc/probe.ts",
    may: ["./service.js", "@grpc/grpc-js", "node:tls"],
    mayNot: ["./thread/native-channels.js", "../client/client.js", "../main/broker.js", "node:worker_threads"],
  },
  {
    file: "src/grpc/thread/probe.ts",
    may: ["./native-channels.js", "../server.js", "../../client/client.js", "../../bridge/bridge.js"],
    mayNot: ["../../main/broker.js", "../../shard/shard.js", "@grpc/grpc-js", "node:net"],
  },
  {
    file: "src/channel/probe.ts",
    may: ["./ring.js", "msgpackr/pack"],
    mayNot: ["node:worker_threads", "../protocol/frame.js", "../shard/shard.js"],
  },
  {
    file: "src/metrics/probe.ts",
    may: ["./shared-values.js"],
    mayNot: ["node:worker_threads", "prom-client", "../shard/shard.js", "../main/log.js"],
  },
  {
    file: "src/journal/probe.ts",
    may: ["./disk.js", "../shard/log/record.js", "../protocol/op.js", "xxhash-wasm", "node:fs"],
    mayNot: [
      "../shard/shard.js",
      "../shard/messages/queue.js",
      "../workers/pump.js",
      "../channel/ring.js",
      "node:worker_threads",
      "msgpackr/pack",
    ],
  },
  {
    file: "src/inspection/probe.ts",
    may: ["./dump.js", "../journal/segment-file.js", "../shard/log/record.js", "../protocol/id.js", "node:path"],
    mayNot: ["../shard/shard.js", "../main/broker.js", "../client/client.js", "../cli/ringmq.js"],
  },
  {
    file: "src/workers/jobs/probe.ts",
    may: ["./job.js", "../../journal/segment-file.js", "../../shard/log/record.js"],
    mayNot: ["../pump.js", "../../main/broker.js", "../../client/index.js", "uWebSockets.js"],
  },
  {
    file: "src/workers/probe.ts",
    may: [
      "./shard-thread-data.js",
      "../shard/shard.js",
      "../channel/ring.js",
      "../metrics/shard-metrics.js",
      "../protocol/op.js",
      "node:worker_threads",
    ],
    mayNot: ["../main/broker.js", "../client/index.js", "node:net", "uWebSockets.js", "../../bench/main.js"],
  },
  {
    file: "src/testing/probe.ts",
    may: ["./test-broker.js", "../client/connect.js", "../workers/pump-assembly.js"],
    mayNot: ["../main/broker.js", "../main/options.js", "../workers/shard-thread.js", "node:fs"],
  },
  {
    file: "src/torture/probe.ts",
    may: ["./ledger.js", "../client/client.js", "node:child_process"],
    mayNot: ["../main/broker.js", "../shard/shard.js", "../journal/lock.js", "../cli/ringmq.js"],
  },
  {
    file: "src/cli/probe.ts",
    may: [
      "../index.js",
      "../inspection/index.js",
      "../torture/torture.js",
      "../main/log.js",
      "commander",
      "node:process",
    ],
    mayNot: ["../shard/shard.js", "../workers/shard-thread.js", "../channel/ring.js"],
  },
  {
    file: "src/cli/service-manager.ts",
    may: ["../main/log.js", "node:child_process"],
    mayNot: ["./broker-process.js", "../index.js", "commander"],
  },
  {
    file: "src/cli/configuration/probe.ts",
    may: ["./settings.js", "../environment.js", "../../main/options.js", "commander", "smol-toml"],
    mayNot: ["../serve.js", "../commands/output.js", "../../main/broker.js", "ini", "node:fs"],
  },
  {
    file: "src/index.ts",
    may: ["./main/broker.js"],
    mayNot: ["./shard/shard.js", "./client/index.js", "./cli/ringmq.js"],
  },
  {
    file: "src/shard/command.ts",
    may: ["./effects.js", "../protocol/op.js"],
    mayNot: ["./shard.js", "./log/log.js"],
  },
  {
    file: "src/shard/log/probe.ts",
    may: ["./log.js", "../command.js", "../../protocol/op.js"],
    mayNot: ["node:fs", "../shard.js", "../messages/queue.js", "../../journal/journal.js", "../../channel/ring.js"],
  },
  {
    file: "src/shard/messages/probe.ts",
    may: ["./queue.js", "../log/log.js", "../../collections/fifo.js"],
    mayNot: ["../shard.js", "../topics/topic.js", "../consumers/consumer.js", "../../journal/journal.js"],
  },
  {
    file: "src/shard/topics/probe.ts",
    may: ["./topic.js", "../messages/queue.js", "re2js"],
    mayNot: ["../shard.js", "../consumers/consumer.js", "../channels/channel.js", "../../main/broker.js"],
  },
  {
    file: "src/shard/consumers/probe.ts",
    may: ["./consumer.js", "../topics/topic.js", "../messages/queue.js"],
    mayNot: ["../shard.js", "../channels/channel.js", "re2js"],
  },
  {
    file: "src/shard/channels/probe.ts",
    may: ["./channel.js", "../consumers/roster.js"],
    mayNot: ["../shard.js", "../recovery/replay.js", "../../channel/ring.js"],
  },
  {
    file: "src/shard/compaction/probe.ts",
    may: ["./keep-plan.js", "../log/log.js", "../messages/store.js"],
    mayNot: ["../shard.js", "../recovery/replay.js", "node:fs"],
  },
  {
    file: "src/shard/recovery/probe.ts",
    may: ["./replay.js", "../topics/directory.js"],
    mayNot: ["../channels/channel.js", "../../journal/recovery.js"],
  },
  {
    file: "src/shard/probe.ts",
    may: ["./shard.js", "./messages/queue.js", "../protocol/op.js"],
    mayNot: [
      "node:fs",
      "../channel/ring.js",
      "../journal/journal.js",
      "../main/broker.js",
      "../protocol/../main/broker.js",
      "../workers/shard-thread.js",
      "msgpackr/pack",
      "uWebSockets.js",
    ],
  },
  {
    file: "src/registry/discovery/probe.ts",
    may: ["./gregister.js"],
    mayNot: [
      "node:http",
      "../announcement/index.js",
      "../server/index.js",
      "../../main/log.js",
      "../../client/index.js",
    ],
  },
  {
    file: "src/registry/announcement/probe.ts",
    may: ["./presence.js", "../discovery/etcd.js", "../../main/log.js", "node:timers/promises"],
    mayNot: ["node:http", "../server/index.js", "../../main/broker.js", "../../client/index.js", "../../cli/ringmq.js"],
  },
  {
    file: "src/registry/server/probe.ts",
    may: ["./registry.js", "../discovery/node-info.js", "../../main/ports/http/guard.js", "node:https"],
    mayNot: [
      "../announcement/index.js",
      "../../main/broker.js",
      "../../main/ports/http/listener.js",
      "../../journal/journal.js",
      "../../cli/ringmq.js",
    ],
  },
  {
    file: "src/registry/administration/probe.ts",
    may: ["./node-list.js", "../discovery/gregister.js", "../server/probe.js"],
    mayNot: ["node:http", "../server/registry.js", "../announcement/index.js", "../../main/broker.js"],
  },
  {
    file: "src/gweb/probe.ts",
    may: [
      "./nodes.js",
      "../main/console/console-site.js",
      "../main/ports/http/node-engine.js",
      "../registry/administration/index.js",
      "ws",
    ],
    mayNot: [
      "../main/broker.js",
      "../main/server.js",
      "../registry/server/registry.js",
      "../client/client.js",
      "../cli/gweb.js",
    ],
  },
  {
    file: "src/client/base/probe.ts",
    may: ["./error.js", "../../protocol/op.js"],
    mayNot: ["../client.js", "../connection/connection.js", "node:net"],
  },
  {
    file: "src/client/arguments/probe.ts",
    may: ["./options.js", "../base/error.js"],
    mayNot: ["../client.js", "../connection/connection.js", "node:net"],
  },
  {
    file: "src/client/messages/probe.ts",
    may: ["./content.js", "../base/error.js"],
    mayNot: ["../client.js", "../consume/message.js", "node:net"],
  },
  {
    file: "src/client/admin/probe.ts",
    may: ["./results.js", "../connection/connection.js"],
    mayNot: ["../client.js", "../publish/publisher.js", "node:net"],
  },
  {
    file: "src/client/watch/probe.ts",
    may: ["./watching.js", "../connection/connection.js", "../base/event-hub.js"],
    mayNot: ["../client.js", "../admin/results.js", "node:net"],
  },
  {
    file: "src/client/connection/tcp-transport.ts",
    may: ["./transport.js", "node:net"],
    mayNot: ["ws", "../client.js"],
  },
  {
    file: "src/client/connection/websocket-dialer.ts",
    may: ["./tls-options.js", "ws"],
    mayNot: ["node:net", "../client.js"],
  },
  {
    file: "src/client/page/probe.ts",
    may: ["./later.js", "../connection/websocket-transport.js"],
    mayNot: ["ws", "node:net", "../client.js"],
  },
  {
    file: "src/client/connection/probe.ts",
    may: ["./connection.js", "../base/error.js", "../../collections/fifo.js"],
    mayNot: ["node:net", "ws", "../client.js", "../consume/message.js"],
  },
  {
    file: "src/client/publish/probe.ts",
    may: ["./publisher.js", "../connection/connection.js"],
    mayNot: ["../client.js", "../consume/message.js", "node:net"],
  },
  {
    file: "src/client/consume/probe.ts",
    may: ["./consumer.js", "../connection/connection.js"],
    mayNot: ["../client.js", "../publish/publisher.js", "node:net"],
  },
  {
    file: "src/client/channels/probe.ts",
    may: ["./subscription.js", "../connection/connection.js"],
    mayNot: ["../client.js", "../consume/consumer.js", "node:net"],
  },
  {
    file: "src/client/calls/probe.ts",
    may: ["./serving.js", "../connection/connection.js", "../publish/body.js"],
    mayNot: ["../client.js", "../consume/consumer.js", "../channels/subscription.js", "node:net"],
  },
  {
    file: "src/client/dead-letters/probe.ts",
    may: ["./pace.js", "../consume/stored-message.js", "../publish/receipt.js"],
    mayNot: ["../client.js", "../connection/connection.js", "../topics/topic.js", "node:net"],
  },
  {
    file: "src/client/tracing/probe.ts",
    may: ["./tracing.js", "../messages/content.js"],
    mayNot: ["../client.js", "../consume/message.js", "node:diagnostics_channel"],
  },
  {
    file: "src/client/topics/probe.ts",
    may: ["./codec.js", "../consume/message.js", "../publish/receipt.js"],
    mayNot: ["../client.js", "../connection/connection.js", "node:net"],
  },
  {
    file: "src/client/work/probe.ts",
    may: ["./leases.js", "../consume/message.js", "../connection/connection.js"],
    mayNot: ["../client.js", "./thread/touch-link.js", "node:worker_threads", "node:process"],
  },
  {
    file: "src/client/work/lease-thread.ts",
    may: ["./leases.js", "./thread/thread-messages.js", "node:worker_threads"],
    mayNot: ["../client.js", "../consume/message.js", "node:net"],
  },
  {
    file: "src/client/work/thread/probe.ts",
    may: ["../lease-keeper.js", "../../connection/open.js", "node:worker_threads"],
    mayNot: ["../../client.js", "../../publish/publisher.js", "node:net"],
  },
  {
    file: "src/client/nodes/probe.ts",
    may: [
      "./picker.js",
      "../admin/finding.js",
      "../channels/subscription.js",
      "../connect.js",
      "../dead-letters/dead-letters.js",
      "../../registry/discovery/index.js",
    ],
    mayNot: ["../../grpc/server.js", "../../registry/server/index.js", "../../main/broker.js", "node:net", "ws"],
  },
  {
    file: "src/client/index.ts",
    may: ["./connect.js", "./nodes/picker.js", "../protocol/headers.js"],
    mayNot: ["node:net", "ws", "../main/broker.js"],
  },
  {
    file: "src/client/probe.ts",
    may: ["./client.js", "./consume/consumer.js", "../protocol/op.js"],
    mayNot: [
      "./nodes/picker.js",
      "node:net",
      "ws",
      "../main/broker.js",
      "../channel/ring.js",
      "msgpackr",
      "uWebSockets.js",
    ],
  },
  {
    file: "src/cli/units.ts",
    may: ["./log-lines.js", "../index.js", "../main/options.js", "commander", "pino"],
    mayNot: ["./serve.js", "./gmq/settings.js", "../client/index.js", "ini"],
  },
  {
    file: "src/cli/commands/probe.ts",
    may: ["./output.js", "../units.js", "../../client/index.js", "../../protocol/limits.js", "cli-progress", "node:fs"],
    mayNot: ["../serve.js", "../gmq/settings.js", "../../main/broker.js", "../../shard/shard.js", "ini"],
  },
  {
    file: "src/cli/gmq/probe.ts",
    may: ["./settings.js", "../units.js", "../../gmq-client/requests.js", "../../registry/discovery/index.js", "ini"],
    mayNot: ["../serve.js", "../gnode.js", "../../shard/shard.js", "../../main/broker.js", "pino"],
  },
  {
    file: "src/mq-files/probe.ts",
    may: ["./topic-files.js", "../journal/disk.js", "../protocol/id.js", "node:path"],
    mayNot: ["../journal/file-journal.js", "../main/broker.js", "../client/client.js", "../shard/shard.js", "node:fs"],
  },
  {
    file: "src/mq-files/thread/probe.ts",
    may: ["./broker-channels.js", "../topic-files.js", "../../client/client.js", "node:worker_threads"],
    mayNot: ["../../main/broker.js", "../../shard/shard.js", "../../grpc/service.js", "node:net"],
  },
  {
    file: "src/cli/memmq/probe.ts",
    may: ["./memmq-settings.js", "../go-flags.js", "../../index.js", "../../main/options.js", "node:fs"],
    mayNot: ["../serve.js", "../gmq/settings.js", "../../shard/shard.js", "../../main/broker.js", "ini"],
  },
  {
    file: "src/gmq-client/probe.ts",
    may: ["./requests.js", "node:net", "node:events"],
    mayNot: ["../client/index.js", "../protocol/op.js", "../main/options.js"],
  },
  {
    file: "src/servers/probe.ts",
    may: ["./selector.js", "./resolver.js"],
    mayNot: ["node:dns/promises", "../client/index.js", "../main/options.js"],
  },
  {
    file: "src/servers/dns-resolver.ts",
    may: ["./resolver.js", "node:dns/promises"],
    mayNot: ["node:net", "../client/index.js", "../main/options.js"],
  },
  {
    file: "src/memmq-client/link.ts",
    may: ["./options.js", "../client/base/error.js"],
    mayNot: ["node:net", "../main/options.js", "../client/client.js"],
  },
  {
    file: "src/memmq-client/http/probe.ts",
    may: ["../link.js", "../../servers/server.js", "node:net", "ws"],
    mayNot: ["../client.js", "../../client/client.js", "../../main/options.js", "uWebSockets.js"],
  },
  {
    file: "src/memmq-client/probe.ts",
    may: ["./link.js", "./http/http-link.js", "../servers/dns-resolver.js", "../client/base/error.js"],
    mayNot: ["ws", "node:net", "../client/client.js", "../main/options.js", "../cli/memmq.js"],
  },
  {
    file: "src/memmq-client/grpc/probe.ts",
    may: ["../link.js", "../../grpc/definition.js", "@grpc/grpc-js"],
    mayNot: ["../client.js", "../../grpc/server.js", "../../main/options.js", "ws"],
  },
  {
    file: "src/proxy/probe.ts",
    may: ["./relays.js", "../memmq-client/client.js", "../grpc/server.js", "../main/ports/http/listener.js"],
    mayNot: ["../main/broker.js", "../shard/shard.js", "../cli/memmq.js", "../client/client.js", "@grpc/grpc-js"],
  },
];
