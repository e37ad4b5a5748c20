/**
 * Real crashes: the broker's process is killed while clients work with it, and what they were promised is compared with
 * what there is. RINGMQ_TORTURE_KILLS and RINGMQ_TORTURE_SEED say how often and with which choices: by default
 * often enough that segments are begun and reclaimed, with other choices in each run.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import type { TortureOptions } from "../../src/torture/torture.js";

// The broker that it starts is the built one, beside it.
const { torture } = (await import(
  "../../dist/torture/torture.js" as string
)) as typeof import("../../src/torture/torture.js");

const PROGRAM = fileURLToPath(new URL("../../dist/cli/ringmq.js", import.meta.url));

const { RINGMQ_TORTURE_KILLS = "12", RINGMQ_TORTURE_SEED = String(Date.now() % 2 ** 31) } = process.env;
const KILLS = Number(RINGMQ_TORTURE_KILLS);
const SEED = Number(RINGMQ_TORTURE_SEED);

/** A seed that lets brokers live long enough to have something to lose. */
const LIVELY = 5;

/** A life of a broker at least, with what it takes to start it. */
const LIFE = 1_000;

/** On one that does much else a broker has hardly begun by then: those that must lose something get longer lives. */
const LONGER_LIVES = [LIFE, 3 * LIFE, 9 * LIFE];

/** How much of what was confirmed must have been acked for the torture to mean something. */
const ACKED = 0.9;

/** Segments so small that many are begun and reclaimed; little memory, so that messages leave it. */
const SMALL = ["--shards", "2", "--segment-bytes", "256kb", "--memory", "32mb"];

const temporary = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "ringmq-torture-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
};

const tortured = async (options: Partial<TortureOptions> & { readonly kills: number }) => {
  let said = "";
  const result = await torture({
    data: join(temporary(), "data"),
    time: options.kills * LIFE,
    seed: SEED,
    rate: 6_000,
    serve: SMALL,
    onBrokerOutput: (text) => {
      said = (said + text).slice(-4_096);
    },
    onProgress: () => {},
    ...options,
  });
  return { ...result, said };
};

/** Tortures until something that was confirmed is lost: with longer lives as long as nothing is. */
const losing = async (options: (data: string) => Omit<Partial<TortureOptions>, "kills">) => {
  const kills = 4;
  let result: Awaited<ReturnType<typeof tortured>> | undefined;
  for (const life of LONGER_LIVES) {
    const data = join(temporary(), "data");
    result = await tortured({ data, kills, time: kills * life, seed: LIVELY, ...options(data) });
    if (result.found.some(({ kind }) => kind === "lost" || kind === "broker")) break;
  }
  return result?.found ?? [];
};

/** The segments' files of all shards. */
const segmentFiles = (data: string): string[] =>
  readdirSync(data, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".seg"))
    .map((name) => join(data, name));

/** How many segments its shards have begun, those that were reclaimed included: each is named by its number, from 1. */
const segmentsBegun = (data: string): number => {
  const last = new Map<string, number>();
  for (const file of segmentFiles(data)) {
    const number = Number.parseInt(basename(file), 10);
    last.set(dirname(file), Math.max(last.get(dirname(file)) ?? 0, number));
  }
  return [...last.values()].reduce((sum, number) => sum + number, 0);
};

describe("a broker that is killed", () => {
  it(
    `${KILLS} times (seed ${SEED}) keeps all it has confirmed and hands out nothing that was acked`,
    async () => {
      let [begun, most, share] = [0, 0, 0];
      // On a machine that does much else, lives of a second may be too short to ack most, or to reclaim anything: then longer
      // ones follow.
      for (const life of LONGER_LIVES) {
        const data = join(temporary(), "data");
        [begun, most] = [0, 0];
        const { kills, confirmed, acked, delivered, found, said } = await tortured({
          data,
          kills: KILLS,
          time: KILLS * life,
          // Topics come and go as well: those that nothing was configured of.
          serve: [...SMALL, "--topic-idle", "300ms"],
          whileDown: () => {
            begun = segmentsBegun(data);
            most = Math.max(most, segmentFiles(data).length);
            return Promise.resolve();
          },
        });
        expect(found, said).toEqual([]);
        expect(kills).toBeGreaterThanOrEqual(KILLS);
        // Work was done, however slow the machine.
        expect(confirmed).toBeGreaterThan(KILLS * 100);
        share = acked / confirmed;
        expect(delivered).toBeGreaterThan(acked);
        if (begun > most && share > ACKED) break;
      }
      expect(share).toBeGreaterThan(ACKED);
      // There were more segments than ever at once: some have been reclaimed.
      expect(begun).toBeGreaterThan(most);
    },
    120_000 + LONGER_LIVES.reduce((sum, life) => sum + KILLS * 15 * life, 0),
  );
});

describe("a torture finds", () => {
  it("what a broker without a journal loses", async () => {
    const found = await losing(() => ({ serve: [...SMALL, "--durability", "memory"] }));
    expect(found.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["lost", "configuration"]));
    expect(found.find(({ kind }) => kind === "lost")?.count).toBeGreaterThan(10);
  }, 120_000);

  it("what a disk has lost of what was confirmed: a start says so, or messages are missing", async () => {
    const found = await losing((data) => ({
      whileDown: () => {
        for (const file of lastOfEach(segmentFiles(data))) wipeEnd(file, 32 * 1024);
        return Promise.resolve();
      },
    }));
    // A start that knows how much was on disk refuses to begin with less.
    expect(found.some(({ kind }) => kind === "lost" || kind === "broker")).toBe(true);
  }, 120_000);

  it("a broker that does not start, and says what that said", async () => {
    const data = join(temporary(), "file");
    closeSync(openSync(data, "w"));
    const { found } = await tortured({ kills: 1, data });
    expect(found).toMatchObject([{ kind: "broker", count: 1 }]);
    expect(found[0]?.examples[0]).toMatch(/did not start \(exit code 1\): .*is a file/s);
  });
});

/** The newest segment of each shard. */
const lastOfEach = (files: readonly string[]): string[] => {
  const last = new Map<string, string>();
  for (const file of [...files].sort()) last.set(join(file, ".."), file);
  return [...last.values()];
};

/** Makes zeros of the last bytes of a file that are not zero already: as if they had never been written. */
const wipeEnd = (file: string, bytes: number): void => {
  const contents = readFileSync(file);
  let end = statSync(file).size;
  while (end > 0 && contents[end - 1] === 0) end--;
  const start = Math.max(64, end - bytes);
  if (start >= end) return;
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, Buffer.alloc(end - start), 0, end - start, start);
  closeSync(descriptor);
};

describe("ringmq torture", () => {
  const run = async (...args: readonly string[]) => {
    const child = spawn(process.execPath, [PROGRAM, "torture", ...args]);
    onTestFinished(() => {
      child.kill("SIGKILL");
    });
    let text = "";
    child.stdout.on("data", (bytes: Buffer) => {
      text += bytes.toString();
    });
    child.stderr.on("data", (bytes: Buffer) => {
      text += bytes.toString();
    });
    const [code] = await once(child, "close");
    return { code: code as number, text };
  };

  it("says in plain words that nothing was found, exits 0 and leaves the directory empty", async () => {
    const directory = temporary();
    const { code, text } = await run("--data", directory, "--minutes", "0.02", "--kills", "1", "--", ...SMALL);
    expect({ code, text }).toMatchObject({ code: 0, text: expect.stringContaining("NO FAULT FOUND") });
    expect(text).toMatch(/the broker was killed \d+ times?/);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("exits 1 when something was found, shows it, and keeps what shows it", async () => {
    let directory = "";
    let said = "";
    for (const minutes of ["0.03", "0.1", "0.3"]) {
      directory = temporary();
      const flags = ["--minutes", minutes, "--kills", "1", "--seed", String(LIVELY)];
      const { code, text } = await run("--data", directory, ...flags, "--", ...SMALL, "--durability", "memory");
      expect(code).toBe(1);
      said = text;
      if (text.includes("confirmed messages are gone")) break;
    }
    expect(said).toMatch(/FAULTS FOUND \(seed 5\)[\s\S]*× confirmed messages are gone\n {6}torture-/);
    expect(readdirSync(directory)).toEqual(expect.arrayContaining(["broker.log", "ringmq-torture.json"]));
  }, 60_000);

  it("refuses a directory that is somebody else's, and flags that are wrong, with 2", async () => {
    const directory = temporary();
    closeSync(openSync(join(directory, "precious"), "w"));
    expect(await run("--data", directory)).toMatchObject({ code: 2, text: expect.stringContaining("precious") });
    expect(readdirSync(directory)).toEqual(["precious"]);
    expect((await run("--minutes", "1")).text).toContain("--data");
    expect(await run("--data", directory, "--minutes", "soon")).toMatchObject({ code: 2 });
    const own = temporary();
    const wrong = await run("--data", own, "--", "--node", "5000");
    expect(wrong).toMatchObject({ code: 2, text: expect.stringContaining("error: --node must be from 1 to 1024") });
    expect(wrong.text).not.toContain("FAULT");
    expect(readdirSync(own)).toEqual([]);
    expect((await run("--help")).text).toMatch(/Examples:\n\s+ringmq torture --data/);
  });
});
