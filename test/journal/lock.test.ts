import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DataDirectoryError } from "../../src/journal/damage-error.js";
import { DirectoryLock, lockHolder } from "../../src/journal/lock.js";
import { identityOf } from "../../src/journal/process-identity.js";

const HOLDER = fileURLToPath(new URL("lock-holder.mjs", import.meta.url));

let directory: string;
const holders: Holder[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "ringmq-lock-"));
});

afterEach(async () => {
  await Promise.all(holders.splice(0).map((holder) => holder.kill()));
  rmSync(directory, { recursive: true });
});

/** A process that is about to lock the directory. */
class Holder {
  readonly child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #exit: Promise<unknown>;

  constructor() {
    this.child = spawn(process.execPath, [HOLDER, directory]);
    this.#exit = once(this.child, "exit");
    this.#lines = createInterface(this.child.stdout)[Symbol.asyncIterator]();
    holders.push(this);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async says(): Promise<string> {
    const { value, done } = await this.#lines.next();
    return done === true ? "nothing" : value;
  }

  tell(): void {
    this.child.stdin.write("go\n");
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.#exit;
  }
}

/** Starts processes and lets them all lock at once. Returns what they report. */
const rush = async (count: number): Promise<{ readonly running: readonly Holder[]; readonly said: string[] }> => {
  const running = Array.from({ length: count }, () => new Holder());
  await Promise.all(running.map((holder) => holder.says()));
  for (const holder of running) holder.tell();
  return { running, said: await Promise.all(running.map((holder) => holder.says())) };
};

const locks = (): string[] => readdirSync(directory).sort();

const write = (name: string, content: unknown): void => {
  writeFileSync(join(directory, name), typeof content === "string" ? content : JSON.stringify(content));
};

describe("a directory that a broker uses", () => {
  it("is refused to another one, which is told the process and the directory", async () => {
    const { running } = await rush(1);
    const pid = running[0]?.pid;
    expect(lockHolder(directory)).toBe(pid);
    expect(() => DirectoryLock.acquire(directory)).toThrow(DataDirectoryError);
    expect(() => DirectoryLock.acquire(directory)).toThrow(new RegExp(`${directory} is in use by the process ${pid}`));
    expect(locks()).toEqual(["LOCK.1"]);
  });

  it("is refused to another one of the same process", () => {
    const lock = DirectoryLock.acquire(directory);
    expect(() => DirectoryLock.acquire(directory)).toThrow(/another broker of this process/);
    lock.release();
    DirectoryLock.acquire(directory).release();
  });

  it("is free when it has been released, or its process was killed", async () => {
    const first = await rush(1);
    first.running[0]?.tell();
    expect(await first.running[0]?.says()).toBe("released");
    expect(lockHolder(directory)).toBeUndefined();
    const second = await rush(1);
    expect(second.said).toEqual(["locked"]);
    await second.running[0]?.kill();
    expect(lockHolder(directory)).toBeUndefined();
    DirectoryLock.acquire(directory).release();
    expect(locks()).toEqual(["LOCK.3"]);
  });

  it("is taken over by exactly one of many that find its process gone", async () => {
    for (let round = 0; round < 3; round++) {
      const { running, said } = await rush(6);
      expect(said.filter((line) => line === "locked")).toHaveLength(1);
      const winner = running[said.indexOf("locked")];
      for (const line of said) if (line !== "locked") expect(line).toContain(`in use by the process ${winner?.pid}`);
      await winner?.kill();
    }
  });
});

describe("a lock that names a process that is there", () => {
  const holder = (): ReturnType<typeof identityOf> & { isReleased: boolean } => ({
    ...identityOf(process.pid),
    isReleased: false,
  });

  it("means it when it was started then", () => {
    write("LOCK.4", holder());
    expect(() => DirectoryLock.acquire(directory)).toThrow(DataDirectoryError);
  });

  it("is another's when that number was given to another process since", () => {
    expect(holder().start).toMatch(/^\d+$/);
    write("LOCK.4", { ...holder(), start: "1" });
    expect(DirectoryLock.acquire(directory).path).toBe(join(directory, "LOCK.5"));
  });

  it("is nobody's when it was killed and only its number is left", async () => {
    // A parent that never reaps its child, once it is no shell any more: a shell does.
    const parent = spawn("sh", ["-c", "sleep 60 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(createInterface({ input: parent.stdout }), "line");
    const pid = Number(line);
    await expect.poll(() => readFileSync(`/proc/${parent.pid}/comm`, "utf8"), { timeout: 10_000 }).toBe("sleep\n");
    write("LOCK.4", { ...identityOf(pid), isReleased: false });
    expect(lockHolder(directory)).toBe(pid);
    process.kill(pid, "SIGKILL");
    await expect.poll(() => readFileSync(`/proc/${pid}/stat`, "utf8"), { timeout: 10_000 }).toContain(") Z ");
    expect(() => process.kill(pid, 0)).not.toThrow();
    expect(lockHolder(directory)).toBeUndefined();
    parent.kill("SIGKILL");
    await once(parent, "exit");
  });

  it("is another's when the machine was started since", () => {
    expect(holder().boot).toMatch(/^[0-9a-f-]{36}$/);
    write("LOCK.4", { ...holder(), boot: "00000000-0000-0000-0000-000000000000" });
    DirectoryLock.acquire(directory);
    expect(locks()).toEqual(["LOCK.5"]);
  });

  it("means it when nothing but the number is known", () => {
    write("LOCK.4", { ...holder(), start: "", boot: "", space: "" });
    expect(() => DirectoryLock.acquire(directory)).toThrow(DataDirectoryError);
  });

  it("of another container is watched: it is that one's while it is touched", async () => {
    expect(holder().space).toMatch(/^pid:/);
    const { running } = await rush(1);
    const lock = join(directory, "LOCK.1");
    // A process that touches its lock, as if it ran in another container.
    writeFileSync(lock, JSON.stringify({ ...JSON.parse(readFileSync(lock, "utf8")), space: "pid:[1]" }));
    expect(() => DirectoryLock.acquire(directory)).toThrow(/the process \d+ of another container/);
    await running[0]?.kill();
    expect(lockHolder(directory, 20)).toBeUndefined();
    expect(DirectoryLock.acquire(directory, 20).path).toBe(join(directory, "LOCK.2"));
  });
});

describe("a lock that was cut short by a loss of power", () => {
  it.each(["", "{", "[]", '{"pid":"1"}', '{"pid":-1,"start":"","boot":"","space":"","isReleased":false}'])(
    "%j is nobody's",
    (text) => {
      write("LOCK.9", text);
      const lock = DirectoryLock.acquire(directory, 20);
      expect(JSON.parse(readFileSync(lock.path, "utf8"))).toEqual({ ...identityOf(process.pid), isReleased: false });
      expect(locks()).toEqual(["LOCK.10"]);
    },
  );
});

describe("a lock without contents", () => {
  it("is somebody's who is about to write them", async () => {
    write("LOCK.1", "");
    // Another process, since this one blocks while it watches.
    const contents = JSON.stringify({ ...identityOf(process.pid), isReleased: false });
    const script = `
      const write = () => fs.writeFileSync(process.argv[1], process.argv[2]);
      process.stdin.once("data", () => setTimeout(write, 100)).once("end", () => process.stdin.destroy());
      console.log("ready")`;
    const writer = spawn(process.execPath, ["-e", script, join(directory, "LOCK.1"), contents]);
    await once(writer.stdout, "data");
    write("LOCK.1", "");
    writer.stdin.end("now");
    expect(() => DirectoryLock.acquire(directory, 5000)).toThrow(/in use/);
    await once(writer, "exit");
  });

  it("is nobody's when it is old", () => {
    write("LOCK.1", "");
    utimesSync(join(directory, "LOCK.1"), 1, 1);
    const before = performance.now();
    DirectoryLock.acquire(directory, 60_000).release();
    expect(performance.now() - before).toBeLessThan(2000);
  });
});

describe("a lock that another broker has taken", () => {
  it("is noticed by the one that had it", async () => {
    let lock: DirectoryLock | undefined;
    const error = await new Promise((resolve) => {
      lock = DirectoryLock.acquire(directory, 10, resolve);
      write("LOCK.2", { ...identityOf(process.pid), space: "pid:[1]", isReleased: false });
      rmSync(lock.path);
    });
    expect(error).toMatchObject({ message: expect.stringMatching(/another broker has taken the data directory/) });
  });

  it("is not taken for that when it was deleted", async () => {
    const errors: Error[] = [];
    const lock = DirectoryLock.acquire(directory, 5, (error) => errors.push(error));
    rmSync(lock.path);
    const later = DirectoryLock.acquire(mkdtempSync(join(directory, "other-")), 5);
    // Long enough for a few ticks of the timer.
    const before = touchesOf(later.path);
    await expect.poll(() => touchesOf(later.path)).toBeGreaterThan(before);
    lock.release();
    later.release();
    expect(errors).toEqual([]);
  });
});

const touchesOf = (path: string): number => statSync(path).mtimeMs;
