import { readdirSync, readlinkSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { SILENT } from "../../../src/main/log.js";
import { DescriptorWatch, type Port } from "../../../src/main/ports/descriptor-watch.js";
import {
  freeDescriptors,
  OF_LOADING,
  openFilesLimit,
  reserveFor,
  roomFor,
} from "../../../src/main/shards/descriptors.js";
import { StartError } from "../../../src/main/shards/start-error.js";

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max processes             unlimited            unlimited            processes
Max open files            256                  4096                 files
Max locked memory         8388608              8388608              bytes
`;

describe("the limit of open files", () => {
  it("is the soft one", () => {
    expect(openFilesLimit(() => LIMITS)).toBe(256);
  });

  it("is not known where there is none, or nobody tells", () => {
    expect(openFilesLimit(() => LIMITS.replace("256 ", "unlimited "))).toBeUndefined();
    expect(openFilesLimit(() => "")).toBeUndefined();
    const fail = (): never => {
      throw new Error("ENOENT");
    };
    expect(openFilesLimit(fail)).toBeUndefined();
  });
});

const DIST = fileURLToPath(new URL("../../../dist/", import.meta.url));

/** How many of the built modules this process has open. */
const openModules = (): number =>
  readdirSync("/proc/self/fd").filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(DIST);
    } catch {
      return false;
    }
  }).length;

describe("what is kept from connections", () => {
  const use = {
    shards: 2,
    hasGrpc: false,
    hasMqFiles: false,
    poolThreads: 4,
    hasJournal: true,
    isSelfSigned: false,
    inUse: 25,
  };

  it("grows with shards and threads of the pool, as far as there is a journal", () => {
    expect(reserveFor(use)).toBe(25 + 18 + 3 + 2 * (4 + 22) + 4 * 14);
    expect(reserveFor({ ...use, hasJournal: false })).toBe(25 + 18 + 2 * 4);
    expect(reserveFor({ ...use, hasJournal: false, isSelfSigned: true })).toBeGreaterThan(25 + 18 + 3 * 4);
    expect(reserveFor({ ...use, hasMqFiles: true })).toBeGreaterThan(reserveFor(use) + 4);
  });

  it.runIf(process.platform === "linux").each([
    ["starts", `await import(RUN)`],
    ["compacts for the first time", `await import(RUN); await import(new URL("../../journal/compact.js", RUN))`],
  ])("is enough for the modules of a thread of the pool that %s", async (_, code) => {
    let most = 0;
    // How many are open at once is a matter of luck.
    for (let i = 0; i < 5; i++) {
      const run = JSON.stringify(new URL("../../../dist/workers/jobs/run.js", import.meta.url));
      const thread = new Worker(`(async () => { ${code.replaceAll("RUN", run)} })()`, { eval: true });
      let isOver = false;
      thread.once("exit", () => {
        isOver = true;
      });
      while (!isOver) {
        most = Math.max(most, openModules());
        await turn();
      }
    }
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(OF_LOADING);
  });
});

describe("room for connections", () => {
  it("is what is wanted where nobody knows a limit, or it is far away", () => {
    expect(roomFor(10_000, undefined, 100)).toMatchObject({ connections: 10_000, sockets: Number.POSITIVE_INFINITY });
    expect(roomFor(10_000, 20_000, 100)).toMatchObject({ connections: 10_000, sockets: 19_900 });
    expect(roomFor(10_000, 10_200, 100)).toMatchObject({ connections: 10_000, wantedLimit: 10_200 });
  });

  it("leaves some for sockets that are being refused, and never takes what is kept", () => {
    expect(roomFor(10_000, 10_199, 100)).toMatchObject({ connections: 9_999, sockets: 10_099 });
    expect(roomFor(10_000, 1_024, 100)).toMatchObject({ connections: 824, sockets: 924 });
    expect(roomFor(10_000, 256, 96)).toMatchObject({ connections: 140, sockets: 160 });
    expect(roomFor(50, 256, 96)).toMatchObject({ connections: 50, sockets: 160 });
  });

  it("is refused when it is next to none, unless no more was wanted", () => {
    expect(() => roomFor(10_000, 114, 96)).toThrow(StartError);
    expect(() => roomFor(10_000, 90, 96)).toThrow(/may have 90 files open, and the broker needs 96 .*ulimit -n 10196/);
    expect(roomFor(10_000, 115, 96).connections).toBe(16);
    expect(roomFor(2, 100, 96).connections).toBe(2);
  });
});

it("descriptors are counted by opening files, which are closed again", () => {
  for (let i = 0; i < 100; i++) expect(freeDescriptors(8)).toBe(8);
});

class TestPort implements Port {
  isOpen = true;
  fault: Error | undefined;

  pause(): void {
    this.isOpen = false;
  }

  async resume(): Promise<void> {
    if (this.fault !== undefined) throw this.fault;
    this.isOpen = true;
  }
}

const watching = () => {
  const logged: string[] = [];
  const log = {
    ...SILENT,
    warn: (_: object, text: string) => void logged.push(text),
    error: (_: object, text: string) => void logged.push(text),
  };
  const ports = [new TestPort(), new TestPort()];
  const descriptors = { free: 1_000 };
  const watch = new DescriptorWatch(ports, log, (wanted) => Math.min(wanted, descriptors.free));
  const look = async (): Promise<boolean[]> => {
    watch.look();
    await new Promise((resolve) => setImmediate(resolve));
    return ports.map(({ isOpen }) => isOpen);
  };
  return { logged, ports, descriptors, watch, look };
};

describe("the ports of a process without descriptors", () => {
  it("are closed while there are few, and opened when there are more again; each is said once", async () => {
    const { logged, descriptors, look } = watching();
    for (const [free, areOpen, lines] of [
      [8, true, 0],
      [7, false, 1],
      [0, false, 1],
      // What the ports themselves have given back is not enough.
      [9, false, 1],
      [12, true, 2],
      [9, true, 2],
      [3, false, 3],
    ] as const) {
      descriptors.free = free;
      expect(await look()).toEqual([areOpen, areOpen]);
      expect(logged).toHaveLength(lines);
    }
  });

  it("are closed at once when a connection cannot be accepted", async () => {
    const { logged, ports, watch, look } = watching();
    for (let i = 0; i < 5; i++) watch.acceptFailed(new Error("accept EMFILE"));
    expect(ports.map(({ isOpen }) => isOpen)).toEqual([false, false]);
    expect(logged).toHaveLength(1);
    expect(await look()).toEqual([true, true]);
  });

  it("are tried again when one of them cannot be had, and that is said once", async () => {
    const { logged, ports, watch, look } = watching();
    watch.acceptFailed(new Error("accept EMFILE"));
    const [, second] = ports;
    if (second !== undefined) second.fault = new Error("EADDRINUSE");
    for (let i = 0; i < 5; i++) expect(await look()).toEqual([false, false]);
    expect(logged).toHaveLength(2);
    if (second !== undefined) second.fault = undefined;
    expect(await look()).toEqual([true, true]);
    expect(logged).toHaveLength(3);
  });
});
