/** Brokers for tests: built files, any free port, a data directory of their own; closed and removed when the test ends. */
import { join } from "node:path";
import { beforeAll, onTestFinished } from "vitest";
import type { BrokerSeams } from "../../src/main/broker.js";
import type { BrokerOptions } from "../../src/main/options.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { HTTP_ENGINE } from "../http-engine.js";

// What runs is the build: worker threads load files of it.
const { startBroker } = (await import(
  "../../dist/main/broker.js" as string
)) as typeof import("../../src/main/broker.js");

const LOCAL = { host: "127.0.0.1", port: 0 };

/** Small, so that every test that sends a little more rolls them. */
const SEGMENT_BYTES = 1024 * 1024;

export interface TestBroker {
  readonly broker: Awaited<ReturnType<typeof startBroker>>;
  readonly tcp: number;
  readonly http: number;
}

/** A directory that is gone when the test ends. Callbacks of a test run last first: brokers are closed by then. */
export const testDirectory = (): string => {
  const directory = makeDirectory();
  onTestFinished(() => removeDirectory(directory));
  return directory;
};

/**
 * A broker with both listeners, one shard, little memory and a journal that is synced, unless told otherwise. One on the
 * directory of another, which is closed, is the same broker started again. `ends`: what becomes of its end, in order by
 * default.
 */
export const testBroker = async (
  options: Partial<BrokerOptions> = {},
  seams: BrokerSeams = {},
  ends: (closing: Promise<void>) => Promise<void> = (closing) => closing,
): Promise<TestBroker> => {
  const data = options.data ?? join(testDirectory(), "data");
  const started = await start({ ...options, data }, seams);
  onTestFinished(() => ends(started.broker.close()));
  return started;
};

/**
 * One broker for all tests of the `describe`, or the file, that calls it: to start one takes a fifth of a second of a
 * core. For tests that find what they need whatever others have left there.
 */
export const sharedBroker = (options: Partial<BrokerOptions> = {}): (() => TestBroker) => {
  let shared: TestBroker | undefined;
  beforeAll(async () => {
    const directory = makeDirectory();
    shared = await start({ data: join(directory, "data"), ...options }, {});
    const { broker } = shared;
    return async () => {
      await broker.close();
      removeDirectory(directory);
    };
  });
  return () => {
    if (shared === undefined) throw new Error("the broker is there when the tests run, not before");
    return shared;
  };
};

const start = async (options: Partial<BrokerOptions>, seams: BrokerSeams): Promise<TestBroker> => {
  const given = {
    tcp: LOCAL,
    http: LOCAL,
    httpEngine: HTTP_ENGINE,
    shards: 1,
    memory: 1 << 28,
    segmentBytes: SEGMENT_BYTES,
  };
  const broker = await startBroker({ ...given, ...options }, seams);
  return { broker, tcp: broker.addresses.tcp?.port ?? 0, http: broker.addresses.http?.port ?? 0 };
};
