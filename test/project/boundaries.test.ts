import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "./document.js";

/** Each place, what it may import and what it may not. The rule itself is in biome.json; this shows that it bites. */
const PLACES: readonly {
  readonly file: string;
  readonly may: readonly string[];
  readonly mayNot: readonly string[];
}[] = [
  {
    file: "src/shard/probe.ts",
    may: ["./queue.js", "../protocol/op.js", "../collections/fifo.js", "re2js"],
    mayNot: [
      "node:fs",
      "../channel/ring.js",
      "../journal/segment.js",
      "../main/broker.js",
      "../protocol/../main/broker.js",
      "../workers/shard-thread.js",
      "msgpackr/pack",
      "uWebSockets.js",
    ],
  },
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
    may: ["./disk.js", "../shard/record.js", "../shard/log.js", "../protocol/op.js", "xxhash-wasm", "node:fs"],
    mayNot: [
      "../shard/shard.js",
      "../workers/pump.js",
      "../main/broker.js",
      "../channel/ring.js",
      "node:worker_threads",
      "msgpackr/pack",
    ],
  },
  {
    file: "src/workers/probe.ts",
    may: ["./shard-thread-data.js", "../shard/shard.js", "../channel/ring.js", "../protocol/op.js", "node:assert"],
    mayNot: ["../main/broker.js", "../client/index.js", "uWebSockets.js", "../../bench/main.js"],
  },
  {
    file: "src/workers/jobs/probe.ts",
    may: ["./job.js", "../../journal/segment-file.js", "../../shard/record.js"],
    mayNot: ["../../main/broker.js", "../../client/index.js", "uWebSockets.js"],
  },
  {
    file: "src/main/probe.ts",
    may: [
      "./router.js",
      "../channel/ring.js",
      "../protocol/op.js",
      "../workers/shard-thread-data.js",
      "../workers/shard-messages.js",
      "../workers/pulse.js",
      "../workers/jobs/job.js",
      "../journal/data-directory.js",
      "node:net",
    ],
    mayNot: [
      "../shard/shard.js",
      "../workers/shard-thread.js",
      "../workers/jobs/run.js",
      "../journal/journal.js",
      "../client/index.js",
      "../cli/ringmq.js",
    ],
  },
  {
    file: "src/main/gmq-http/probe.ts",
    may: ["./form.js", "../gateway.js", "../../protocol/op.js", "uWebSockets.js"],
    mayNot: ["../../shard/shard.js", "../../workers/shard-thread.js", "../../client/index.js"],
  },
  {
    file: "src/client/probe.ts",
    may: ["./connection.js", "../protocol/op.js", "../collections/fifo.js"],
    mayNot: ["node:net", "ws", "../main/broker.js", "../channel/ring.js", "msgpackr", "uWebSockets.js"],
  },
  {
    file: "src/inspection/probe.ts",
    may: ["./dump.js", "../journal/segment-file.js", "../shard/record.js", "../protocol/id.js", "node:path"],
    mayNot: ["../shard/shard.js", "../main/broker.js", "../client/client.js", "../cli/ringmq.js"],
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
      "../main/broker.js",
      "commander",
      "node:process",
    ],
    mayNot: ["../shard/shard.js", "../workers/shard-thread.js", "../channel/ring.js"],
  },
];

/** Each way to name a module that the rule must see. */
const FORMS: readonly ((module: string) => string)[] = [
  (module) => `import "${module}";`,
  (module) => `export * from "${module}";`,
  (module) => `import type {} from "${module}";`,
  (module) => `export type {} from "${module}";`,
  (module) => `await import("${module}");`,
];

/** What code without clock, I/O and randomness must not do, by place; and what it may. */
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
];

/** Runs the linter over a folder with one rule. Answers `file:line` of all that it refuses. */
const refusals = (folder: string, rule: string): Promise<string[]> =>
  new Promise((resolve, reject) => {
    const biome = join(ROOT, "node_modules/@biomejs/biome/bin/biome");
    const flags = ["--vcs-enabled=false", `--only=${rule}`, "--max-diagnostics=none", "--reporter=json"];
    // Exit status 1 says that there are refusals; what cannot be parsed says that the linter did not run.
    execFile(process.execPath, [biome, "lint", ...flags, "."], { cwd: folder }, (_, stdout, stderr) => {
      try {
        const report: { diagnostics: { location: { path: string; start: { line: number } } }[] } = JSON.parse(stdout);
        resolve(report.diagnostics.map(({ location }) => `${location.path}:${location.start.line}`));
      } catch {
        reject(new Error(`the linter said: ${stderr}${stdout}`));
      }
    });
  });

/** Writes the lines of each place into a file there, and sees that exactly the first `refused` of them are refused. */
const expectRefused = async (
  rule: string,
  places: readonly { readonly file: string; readonly lines: readonly string[]; readonly refused: number }[],
): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "ringmq-boundaries-"));
  try {
    await copyFile(join(ROOT, "biome.json"), join(folder, "biome.json"));
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
