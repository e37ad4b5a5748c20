import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { OptionError } from "../../src/main/option-checks.js";
import { resolveOptions } from "../../src/main/options.js";

describe("the options of a broker", () => {
  it("listen on this machine only unless told otherwise", () => {
    const { tcp, http, shards, node } = resolveOptions();
    expect(tcp).toEqual({ host: "127.0.0.1", port: 9503 });
    expect(http).toEqual({ host: "127.0.0.1", port: 9504 });
    expect(shards).toBeGreaterThanOrEqual(1);
    expect(node).toBe(1);
  });

  it("let a frame hold a largest message, whatever that is", () => {
    expect(resolveOptions({ maxMessageBytes: 1_000 }).maxFrameBytes).toBe(1_000 + 65_536);
    expect(resolveOptions({ maxMessageBytes: 1_000, maxFrameBytes: 2_000 }).maxFrameBytes).toBe(2_000);
  });

  it("refuse a directory that no system can open", () => {
    expect(() => resolveOptions({ data: "a\0b" })).toThrow(
      new OptionError("data", 'must be the path of a directory; "a\\u0000b" has a NUL in it'),
    );
  });

  it("are each refused by name when out of range", () => {
    for (const [option, value] of Object.entries({
      segmentBytes: 64 * 1024 - 1,
      diskReserve: -1,
      durability: "some",
      data: "",
      shards: 0,
      node: 1_025,
      ttr: 0,
      retries: 65_535,
      memory: 1,
      ringBytes: 3_000_000,
      maxMessageBytes: 2 ** 28,
      maxBatchMessages: 4_097,
      maxNameBytes: 256,
      maxConnections: 1.5,
      maxQueues: 2 ** 15 + 1,
      maxConsumers: 2 ** 16 + 1,
      maxTopicsPerConnection: 0,
      maxConsumersPerConnection: 2 ** 16 + 1,
      topicIdle: 0,
      keepMessages: -1,
      keepBytes: 0.5,
      keepAge: -1,
      history: 65_537,
      historyBytes: 16 * 1024 * 1024 + 1,
      historyIdle: -1,
      maxOutgoingBytes: 64 * 1024 - 1,
      helloTimeout: Number.NaN,
    })) {
      expect(() => resolveOptions({ [option]: value })).toThrow(new RegExp(`^${option} must be`));
    }
    expect(resolveOptions({ maxQueues: 2 ** 15, maxConsumers: 2 ** 16, maxOutgoingBytes: 64 * 1024 }).maxQueues).toBe(
      32_768,
    );
    expect(() => resolveOptions({ tcp: { host: "127.0.0.1", port: 65_536 } })).toThrow(/port of tcp/);
  });

  it("are refused when there are none of that name, most likely misspelled ones", () => {
    expect(() => resolveOptions({ tcpp: 1 } as object)).toThrow(
      new RangeError("there is no option tcpp (did you mean tcp?)"),
    );
    expect(() => resolveOptions({ shard: 1 } as object)).toThrow("there is no option shard (did you mean shards?)");
    expect(() => resolveOptions({ password: undefined } as object)).toThrow(
      /^there is no option password; the options are tcp, http, .*, shards, .*, durability, .*, memory, /,
    );
    // Each that there is may be given.
    const options = resolveOptions();
    expect(resolveOptions(options)).toEqual(options);
  });

  it("name a host and a port to listen on, or none", () => {
    for (const tcp of [
      0,
      null,
      undefined,
      "on",
      "127.0.0.1:9503",
      { port: 0 },
      { host: "", port: 0 },
      { host: "::" },
    ]) {
      expect(() => resolveOptions({ tcp } as object)).toThrow(
        new OptionError("tcp", `must be { host, port } or "off"; it is ${JSON.stringify(tcp)}`),
      );
    }
  });

  it("keep channels only where there is a journal", () => {
    expect(resolveOptions({ persist: true }).persist).toBe(true);
    expect(() => resolveOptions({ persist: true, durability: "memory" })).toThrow(
      /^persist must have a journal, .*: leave one of them out$/,
    );
  });

  it("give one connection a part of the topics and consumers, and all of a few", () => {
    const sharesOf = (given: Parameters<typeof resolveOptions>[0]): number[] => {
      const { maxTopicsPerConnection, maxConsumersPerConnection } = resolveOptions(given);
      return [maxTopicsPerConnection, maxConsumersPerConnection];
    };
    expect(sharesOf({ maxTopics: 1001, maxConsumers: 1001 })).toEqual([501, 251]);
    expect(sharesOf({ maxTopics: 99, maxConsumers: 99 })).toEqual([99, 99]);
    const given = { maxTopicsPerConnection: 2000, maxConsumersPerConnection: 1 };
    expect(sharesOf({ maxTopics: 1000, ...given })).toEqual([2000, 1]);
  });

  it("forget unused topics after a time, or never", () => {
    expect(resolveOptions().topicIdle).toBe(600_000);
    for (const topicIdle of [1, 0.5e9, 2 ** 53, Number.POSITIVE_INFINITY]) {
      expect(resolveOptions({ topicIdle }).topicIdle).toBe(topicIdle);
    }
    for (const topicIdle of [0, -1, Number.NaN, 2 ** 54])
      expect(() => resolveOptions({ topicIdle })).toThrow(/topicIdle must/);
  });

  it("keep messages on disk, in a directory that does not move with the working directory", () => {
    expect(resolveOptions()).toMatchObject({ durability: "fsync", data: join(process.cwd(), "ringmq-data") });
    expect(resolveOptions({ data: "/somewhere/else" }).data).toBe("/somewhere/else");
  });

  it("need memory for a first message in every shard", () => {
    const enough = 3 * 16 * 1024 * 1024;
    expect(resolveOptions({ shards: 3, memory: enough }).memory).toBe(enough);
    expect(() => resolveOptions({ shards: 3, memory: enough - 1 })).toThrow(
      `memory must be at least ${enough} (16 MiB for each of the 3 shards); it is ${enough - 1}`,
    );
  });
});
