/** Probes for the rooms of `src/registry`. */

/** A file, modules that it may import and modules that it may not. */
export interface Place {
  readonly file: string;
  readonly may: readonly string[];
  readonly mayNot: readonly string[];
}

export const REGISTRY_PLACES: readonly Place[] = [
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
];
