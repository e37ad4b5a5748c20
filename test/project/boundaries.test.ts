import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "./document.js";
import { PLACES } from "./places.js";
import { contents, lintRules, type Room, readRooms, roomOf } from "./rooms.js";

const rooms = readRooms();

it("each file of src is in one room of docs/architecture.md, and each room has files", async () => {
  const sources = (await readdir(join(ROOT, "src"), { recursive: true })).filter((path) => /\.tsx?$/.test(path));
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

/** Files and folders, and the rooms that consist of them. */
const homes = new Map(rooms.flatMap((room) => contents(room).map((path) => [path, room] as const)));

/** The names of the other rooms that a room may import something of. */
const roomsBelow = (room: Room): string[] => {
  const below = new Set(room.imports.flatMap((target) => homes.get(target) ?? roomOf(target, rooms) ?? []));
  below.delete(room);
  return [...below].map(({ name }) => name);
};

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
  { file: "src/main/calls/probe.ts", may: ["new Map()"], mayNot: ["performance.now()", "setTimeout(f, 1)"] },
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
    if (/\.tsx?$/.test(path) && text.test(await readFile(join(ROOT, folder, path), "utf8"))) found.push(path);
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
