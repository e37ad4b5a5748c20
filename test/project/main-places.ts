/** Probes for the rooms of the main thread, `src/main`: see places.ts. */
import type { Place } from "./places.js";

export const MAIN_PLACES: readonly Place[] = [
  {
    file: "src/main/log.ts",
    may: ["./options.js", "../protocol/op.js"],
    mayNot: ["./broker.js", "./shards/supervisor.js", "../journal/layout.js"],
  },
  {
    file: "src/main/shards/probe.ts",
    may: [
      "./supervisor.js",
      "../log.js",
      "../../channel/ring.js",
      "../../workers/shard-messages.js",
      "../../workers/jobs/job.js",
    ],
    mayNot: [
      "../broker.js",
      "../data/data.js",
      "../native/connection.js",
      "../../shard/shard.js",
      "../../workers/pump.js",
      "../../journal/journal.js",
    ],
  },
  {
    file: "src/main/data/probe.ts",
    may: ["./data.js", "../shards/supervisor.js", "../../journal/data-directory.js"],
    mayNot: ["../broker.js", "../native/connection.js", "../../journal/journal.js", "../../workers/jobs/run.js"],
  },
  {
    file: "src/main/calls/probe.ts",
    may: ["./call-state.js", "../../collections/indexed-heap.js", "../../protocol/errors.js"],
    mayNot: ["../native/connection.js", "../log.js", "../limits.js", "../../workers/head-reader.js", "node:timers"],
  },
  {
    file: "src/main/access/probe.ts",
    may: ["./user.js", "../log.js", "../../protocol/op.js", "node:crypto"],
    mayNot: ["../native/connection.js", "../broker.js", "../../shard/shard.js", "../../channel/ring.js", "node:net"],
  },
  {
    file: "src/main/native/probe.ts",
    may: [
      "./reception.js",
      "../access/access.js",
      "../calls/calls.js",
      "../../workers/head-reader.js",
      "../shards/shard-link.js",
      "../data/backup.js",
    ],
    mayNot: [
      "../broker.js",
      "../ports/tcp-listener.js",
      "../../shard/shard.js",
      "../../client/index.js",
      "node:net",
      "uWebSockets.js",
    ],
  },
  {
    file: "src/main/ports/probe.ts",
    may: ["./front-end.js", "../native/transport.js", "node:net"],
    mayNot: ["../broker.js", "../front-ends/gmq/http/form.js", "../../shard/shard.js", "../../cli/ringmq.js"],
  },
  {
    file: "src/main/ports/http/probe.ts",
    may: ["./engine.js", "./uws.js", "../../native/session.js", "node:http", "ws"],
    mayNot: ["uWebSockets.js", "../../broker.js", "../../front-ends/gmq/push.js", "../../../shard/shard.js"],
  },
  {
    file: "src/main/metrics/probe.ts",
    may: ["./scrape.js", "../ports/http/entrance.js", "../../metrics/shard-metrics.js", "prom-client"],
    mayNot: ["../broker.js", "../shards/supervisor.js", "../../shard/shard.js", "../../workers/pulse.js", "node:http"],
  },
  {
    file: "src/main/console/probe.ts",
    may: ["./logins.js", "../access/access.js", "../ports/http/entrance.js", "node:zlib"],
    mayNot: [
      "../broker.js",
      "../native/connection.js",
      "../../console/app/pages.js",
      "../../shard/shard.js",
      "node:http",
    ],
  },
  {
    file: "src/main/ports/bridge/probe.ts",
    may: ["./lane-connection.js", "../../native/connection.js", "../../../bridge/bridge.js"],
    mayNot: ["../grpc/grpc-port.js", "../../../client/client.js", "node:worker_threads"],
  },
  {
    file: "src/main/ports/grpc/probe.ts",
    may: [
      "./grpc-port.js",
      "../../native/connection.js",
      "../../../grpc/thread/thread-messages.js",
      "node:worker_threads",
    ],
    mayNot: ["../../broker.js", "../../../grpc/server.js", "../../../client/client.js", "@grpc/grpc-js"],
  },
  {
    file: "src/main/ports/http/uws.ts",
    may: ["./uws-types.js", "uWebSockets.js"],
    mayNot: ["./engine.js", "node:http", "ws"],
  },
  {
    file: "src/main/front-ends/gmq/probe.ts",
    may: ["./push.js", "../../native/session.js", "../../../protocol/op.js"],
    mayNot: ["./http/index.js", "../../ports/http/exchange.js", "uWebSockets.js", "node:http"],
  },
  {
    file: "src/main/front-ends/gmq/frame/probe.ts",
    may: ["./job.js", "../words.js", "../../../native/session.js", "../../../ports/front-end.js"],
    mayNot: ["../http/index.js", "../../../broker.js", "../../../../shard/shard.js", "node:net"],
  },
  {
    file: "src/main/front-ends/gmq/http/probe.ts",
    may: ["./form.js", "../../../log.js", "../../../native/gateway.js", "../../../../protocol/op.js"],
    mayNot: [
      "../../../broker.js",
      "../../../shards/supervisor.js",
      "../../../../channel/ring.js",
      "../../../../shard/shard.js",
      "../../../../client/index.js",
    ],
  },
  {
    file: "src/main/front-ends/gmq/line/probe.ts",
    may: ["./lane.js", "../push.js", "../../../native/session.js", "../../../ports/front-end.js"],
    mayNot: ["../http/form.js", "../../../broker.js", "../../../ports/http/exchange.js", "node:net"],
  },
  {
    file: "src/main/front-ends/memmq/probe.ts",
    may: ["./channels.js", "../../native/session.js", "../../ports/http/sessions.js", "../../../protocol/op.js"],
    mayNot: ["./http/pub.js", "../gmq/channel.js", "../../broker.js", "../../../client/index.js", "node:http"],
  },
  {
    file: "src/main/front-ends/memmq/http/probe.ts",
    may: ["./pub.js", "../channels.js", "../../../ports/http/exchange.js", "../../../../channel/copy-bytes.js"],
    mayNot: ["../../gmq/http/form.js", "../../../broker.js", "../../../../client/index.js", "uWebSockets.js", "ws"],
  },
  {
    file: "src/main/front-ends/operator/probe.ts",
    may: ["./query.js", "../../native/answer-reading.js", "../../ports/http/entrance.js", "../../../protocol/op.js"],
    mayNot: [
      "../gmq/http/route.js",
      "../../broker.js",
      "../../../client/index.js",
      "../../../shard/shard.js",
      "node:http",
    ],
  },
  {
    file: "src/main/openapi/probe.ts",
    may: ["./document.js", "../limits.js", "../ports/http/entrance.js", "../../protocol/limits.js"],
    mayNot: ["../front-ends/operator/index.js", "../broker.js", "../native/session.js", "../../shard/shard.js"],
  },
  {
    file: "src/main/tracing/probe.ts",
    may: ["./tracing.js", "../native/connection.js", "../shards/shard-loss.js", "../../protocol/run.js"],
    mayNot: [
      "../server.js",
      "../front-ends/gmq/push.js",
      "../../shard/shard.js",
      "../../client/client.js",
      "node:http",
    ],
  },
  {
    file: "src/main/probe.ts",
    may: ["./broker.js", "./log.js", "./front-ends/gmq/http/index.js", "./shards/supervisor.js", "../protocol/op.js"],
    mayNot: [
      "../shard/shard.js",
      "../workers/shard-thread.js",
      "../workers/jobs/run.js",
      "../journal/journal.js",
      "../client/index.js",
      "../cli/ringmq.js",
      "uWebSockets.js",
    ],
  },
];
