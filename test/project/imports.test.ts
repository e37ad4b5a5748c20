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
    may: ["./queue.js", "../protocol/op.js", "re2js"],
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
    may: ["./op.js", "msgpackr/pack"],
    mayNot: ["node:buffer", "../shard/command.js", "../channel/ring.js", "msgpackr"],
  },
  {
    file: "src/channel/probe.ts",
    may: ["./ring.js", "msgpackr/pack"],
    mayNot: ["node:worker_threads", "../protocol/frame.js", "../shard/shard.js"],
  },
  {
    file: "src/workers/probe.ts",
    may: ["./shard-thread-data.js", "../shard/shard.js", "../channel/ring.js", "../protocol/op.js", "node:assert"],
    mayNot: ["../main/broker.js", "../client/index.js", "uWebSockets.js", "../../bench/main.js"],
  },
  {
    file: "src/main/probe.ts",
    may: ["./router.js", "../channel/ring.js", "../protocol/op.js", "../workers/shard-thread-data.js", "node:net"],
    mayNot: ["../shard/shard.js", "../workers/shard-thread.js", "../client/index.js", "../cli/ringmq.js"],
  },
  {
    file: "src/main/gmq-http/probe.ts",
    may: ["./form.js", "../gateway.js", "../../protocol/op.js", "uWebSockets.js"],
    mayNot: ["../../shard/shard.js", "../../workers/shard-thread.js", "../../client/index.js"],
  },
  {
    file: "src/client/probe.ts",
    may: ["./connection.js", "../protocol/op.js"],
    mayNot: ["node:net", "ws", "../main/broker.js", "../channel/ring.js", "msgpackr", "uWebSockets.js"],
  },
  {
    file: "src/cli/probe.ts",
    may: ["../index.js", "../main/broker.js", "commander", "node:process"],
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

/** Runs the linter over a folder with this one rule. Answers `file:line` of all that it refuses. */
const refusals = (folder: string): Promise<string[]> =>
  new Promise((resolve, reject) => {
    const biome = join(ROOT, "node_modules/@biomejs/biome/bin/biome");
    const rule = ["--only=style/noRestrictedImports", "--max-diagnostics=none", "--reporter=json"];
    // Exit status 1 says that there are refusals; what cannot be parsed says that the linter did not run.
    execFile(
      process.execPath,
      [biome, "lint", "--vcs-enabled=false", ...rule, "."],
      { cwd: folder },
      (_, stdout, stderr) => {
        try {
          const report: { diagnostics: { location: { path: string; start: { line: number } } }[] } = JSON.parse(stdout);
          resolve(report.diagnostics.map(({ location }) => `${location.path}:${location.start.line}`));
        } catch {
          reject(new Error(`the linter said: ${stderr}${stdout}`));
        }
      },
    );
  });

it("an import against the direction is refused, however it is written, and no other", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ringmq-imports-"));
  try {
    await copyFile(join(ROOT, "biome.json"), join(folder, "biome.json"));
    const expected: string[] = [];
    for (const { file, may, mayNot } of PLACES) {
      const lines = [...mayNot, ...may].flatMap((module) => FORMS.map((form) => form(module)));
      for (let line = 1; line <= mayNot.length * FORMS.length; line++) expected.push(`${file}:${line}`);
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), `${lines.join("\n")}\n`);
    }
    const refused = await refusals(folder);
    expect(refused.sort()).toEqual(expected.sort());
  } finally {
    await rm(folder, { recursive: true });
  }
});

it("a module is not named inside a type, where the rule would not see it", async () => {
  const sources = await readdir(join(ROOT, "src"), { recursive: true });
  const named: string[] = [];
  for (const path of sources.filter((path) => path.endsWith(".ts"))) {
    const text = await readFile(join(ROOT, "src", path), "utf8");
    // `import("x")` is a type unless it is awaited, returned or handed on as the promise that it is.
    if (/typeof import\(|import\(\s*["'`][^"'`]*["'`]\s*\)\.(?!then\b|catch\b)/.test(text)) named.push(path);
  }
  expect(named).toEqual([]);
});
