import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "./document.js";
import { type Place, REGISTRY_PLACES } from "./registry-places.js";
import { contents, lintRules, type Room, readRooms, roomOf } from "./rooms.js";

/** For each room a file, modules that it may import and modules that it may not. */
const PLACES: readonly Place[] = [
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
    file: "src/channel/probe.ts",
    may: ["./ring.js", "msgpackr/pack"],
    mayNot: ["node:worker_threads", "../protocol/frame.js", "../shard/shard.js"],
  },
  {
    file: "src/journal/probe.ts",
    may: ["./disk.js", "../shard/log/record.js", "../protocol/op.js", "xxhash-wasm", "node:fs"],
    mayNot: [
      "../shard/shard.js",
      "../shard/messages/queue.js",
      "../workers/pump.js",
      "../main/broker.js",
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
      "../protocol/op.js",
      "node:worker_threads",
    ],
    mayNot: ["../main/broker.js", "../client/index.js", "node:net", "uWebSockets.js", "../../bench/main.js"],
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
    file: "src/main/native/probe.ts",
    may: ["./reception.js", "../shards/shard-link.js", "../data/backup.js"],
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
  ...REGISTRY_PLACES,
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
    file: "src/client/connection/tcp-transport.ts",
    may: ["./transport.js", "node:net"],
    mayNot: ["ws", "../client.js"],
  },
  {
    file: "src/client/connection/websocket-transport.ts",
    may: ["./transport.js", "ws"],
    mayNot: ["node:net", "../client.js"],
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
    file: "src/client/probe.ts",
    may: ["./client.js", "./consume/consumer.js", "../protocol/op.js"],
    mayNot: ["node:net", "ws", "../main/broker.js", "../channel/ring.js", "msgpackr", "uWebSockets.js"],
  },
];

const rooms = readRooms();

it("each file of src is in one room of docs/architecture.md, and each room has files", async () => {
  const sources = (await readdir(join(ROOT, "src"), { recursive: true })).filter((path) => path.endsWith(".ts"));
  expect(sources.filter((path) => roomOf(path, rooms) === undefined)).toEqual([]);
  expect(new Set(rooms.map(({ name }) => name)).size).toBe(rooms.length);
  const inhabited = new Set(sources.map((path) => roomOf(path, rooms)?.name));
  expect(rooms.map(({ name }) => name).filter((name) => !inhabited.has(name))).toEqual([]);
  const named = rooms.flatMap((room) => [...contents(room), ...room.imports]).filter((path) => path.endsWith(".ts"));
  expect(named.filter((path) => !sources.includes(path))).toEqual([]);
});

it("imports between rooms run one way", () => {
  const below = new Map(rooms.map((room) => [room.name, roomsBelow(room)]));
  const circles: string[] = [];
  const seen = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    if (seen.has(name) && !path.includes(name)) return;
    seen.add(name);
    if (path.includes(name)) circles.push([...path.slice(path.indexOf(name)), name].join(" → "));
    else for (const each of below.get(name) ?? []) visit(each, [...path, name]);
  };
  for (const { name } of rooms) visit(name, []);
  expect(circles).toEqual([]);
});

/** The names of the other rooms that a room may import something of. */
const roomsBelow = (room: Room): string[] =>
  rooms
    .filter((other) => other !== room)
    .filter((other) =>
      room.imports.some((target) => contents(other).includes(target) || roomOf(target, rooms) === other),
    )
    .map(({ name }) => name);

it("biome-rooms.json says what docs/architecture.md says", async () => {
  const rules = await formatted(JSON.stringify(lintRules(rooms)), "biome-rooms.json");
  await expect(rules).toMatchFileSnapshot(join(ROOT, "biome-rooms.json"));
});

it("each room is shown to refuse something", () => {
  const shown = new Set(PLACES.map(({ file }) => roomOf(file.slice("src/".length), rooms)?.name));
  expect(rooms.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([]);
});

/** Each way to name a module that the rule must see. */
const FORMS: readonly ((module: string) => string)[] = [
  (module) => `import "${module}";`,
  (module) => `export * from "${module}";`,
  (module) => `import type {} from "${module}";`,
  (module) => `export type {} from "${module}";`,
  (module) => `await import("${module}");`,
];

/** Calls that are refused and allowed, by place: no clock, I/O or randomness, and nothing that browsers lack. */
const GLOBALS: readonly {
  readonly file: string;
  readonly may: readonly string[];
  readonly mayNot: readonly string[];
}[] = [
  {
    file: "src/shard/probe.ts",
    may: ["new Uint8Array(1)", "Math.max(1, 2)"],
    mayNot: [
      "Date.now()",
      "performance.now()",
      "setTimeout(f, 1)",
      "queueMicrotask(f)",
      "crypto.randomUUID()",
      "console.log(1)",
      "process.exit()",
      "Buffer.alloc(1)",
    ],
  },
  { file: "src/protocol/probe.ts", may: ["Date.UTC(2024, 0)"], mayNot: ["Buffer.alloc(1)", "process.exit()"] },
  { file: "src/client/probe.ts", may: ["Date.now()"], mayNot: ["Buffer.alloc(1)", "process.exit()"] },
  { file: "src/registry/discovery/probe.ts", may: ["fetch(url)"], mayNot: ["Buffer.alloc(1)", "process.exit()"] },
];

const BIOME = join(ROOT, "node_modules/@biomejs/biome/bin/biome");

/** A text as `biome format` writes it. */
const formatted = (text: string, file: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const args = [BIOME, "format", `--stdin-file-path=${file}`];
    const child = execFile(process.execPath, args, { cwd: ROOT }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(error);
    });
    child.stdin?.end(text);
  });

/** Runs the linter over a folder with one rule. Returns `file:line` of everything it refuses. */
const refusals = (folder: string, rule: string): Promise<string[]> =>
  new Promise((resolve, reject) => {
    const flags = ["--vcs-enabled=false", `--only=${rule}`, "--max-diagnostics=none", "--reporter=json"];
    // Exit status 1 means that there are refusals; unparsable output means that the linter did not run.
    execFile(process.execPath, [BIOME, "lint", ...flags, "."], { cwd: folder }, (_, stdout, stderr) => {
      try {
        const report: { diagnostics: { location: { path: string; start: { line: number } } }[] } = JSON.parse(stdout);
        resolve(report.diagnostics.map(({ location }) => `${location.path}:${location.start.line}`));
      } catch {
        reject(new Error(`the linter said: ${stderr}${stdout}`));
      }
    });
  });

/** Writes the lines of each place to a file there, and expects exactly the first `refused` of them to be refused. */
const expectRefused = async (
  rule: string,
  places: readonly { readonly file: string; readonly lines: readonly string[]; readonly refused: number }[],
): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "ringmq-boundaries-"));
  try {
    await copyFile(join(ROOT, "biome.json"), join(folder, "biome.json"));
    await writeFile(join(folder, "biome-rooms.json"), JSON.stringify(lintRules(rooms)));
    const expected: string[] = [];
    for (const { file, lines, refused } of places) {
      for (let line = 1; line <= refused; line++) expected.push(`${file}:${line}`);
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), `${lines.join("\n")}\n`);
    }
    expect((await refusals(folder, rule)).sort()).toEqual(expected.sort());
  } finally {
    await rm(folder, { recursive: true });
  }
};

it("an import against the direction is refused, however it is written, and no other", async () => {
  const places = PLACES.map(({ file, may, mayNot }) => ({
    file,
    lines: [...mayNot, ...may].flatMap((module) => FORMS.map((form) => form(module))),
    refused: mayNot.length * FORMS.length,
  }));
  await expectRefused("style/noRestrictedImports", places);
});

it("a clock, a timer, randomness and I/O are refused in the core of a shard, and Node's own in what browsers run", async () => {
  const places = GLOBALS.map(({ file, may, mayNot }) => ({
    file,
    lines: [...mayNot, ...may].map((call) => `${call};`),
    refused: mayNot.length,
  }));
  await expectRefused("style/noRestrictedGlobals", places);
});

/** The sources in which the text matches. */
const sourcesWith = async (text: RegExp, folder: string): Promise<string[]> => {
  const found: string[] = [];
  for (const path of await readdir(join(ROOT, folder), { recursive: true })) {
    if (path.endsWith(".ts") && text.test(await readFile(join(ROOT, folder, path), "utf8"))) found.push(path);
  }
  return found;
};

it("a module is not named inside a type, where the rule would not see it", async () => {
  // `import("x")` is a type unless it is awaited, returned or handed on as the promise that it is.
  const named = /typeof import\(|import\(\s*["'`][^"'`]*["'`]\s*\)\.(?!then\b|catch\b)/;
  expect(await sourcesWith(named, "src")).toEqual([]);
});

it("the core of a shard rolls no dice, which the rule on globals does not see", async () => {
  expect(await sourcesWith(/Math\.random|Math\[/, "src/shard")).toEqual([]);
});
