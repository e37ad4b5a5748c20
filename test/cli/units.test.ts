import { describe, expect, it } from "vitest";
import {
  durationText,
  parseAddress,
  parseCount,
  parseDuration,
  parseList,
  parsePeer,
  parseSize,
  plural,
  sizeText,
} from "../../src/cli/units.js";

describe("what people write on a command line", () => {
  it("is a size in bytes or in units of 1,024", () => {
    expect(["0", "1024", "64k", "64kb", "64KiB", "256mb", "1.5g", "2TB", "10b", "3 mb"].map(parseSize)).toEqual([
      0, 1024, 65_536, 65_536, 65_536, 268_435_456, 1_610_612_736, 2_199_023_255_552, 10, 3_145_728,
    ]);
    for (const text of ["", "lots", "-1", "1mm", "mb", "1e3", "0x10"]) expect(() => parseSize(text)).toThrow(/256mb/);
  });

  it("is a whole number of bytes where there is no unit", () => {
    expect(parseSize("1.5mb")).toBe(1_572_864);
    for (const text of ["1.5", "1.5b", "2.0"]) expect(() => parseSize(text)).toThrow(/whole number of bytes/);
  });

  it("is read as it is shown", () => {
    for (const bytes of [0, 1, 1_500, 65_536, 16_842_752, 2 ** 30]) expect(parseSize(sizeText(bytes))).toBe(bytes);
    for (const time of [0, 1, 100, 1_500, 10_000, 600_000]) expect(parseDuration(durationText(time))).toBe(time);
    expect([plural(1, "shard"), plural(2, "shard"), plural(0, "stretch", "stretches")]).toEqual([
      "1 shard",
      "2 shards",
      "0 stretches",
    ]);
  });

  it("is a time in milliseconds or with a unit", () => {
    expect(["250", "250ms", "10s", "2m", "1h"].map(parseDuration)).toEqual([250, 250, 10_000, 120_000, 3_600_000]);
    for (const text of ["", "soon", "-1s", "1d"]) expect(() => parseDuration(text)).toThrow(/500ms/);
  });

  it("is a list with commas, which goes on when it is given again", () => {
    expect(parseList("a", undefined)).toEqual(["a"]);
    expect(parseList(" https://a.example , * ", ["before"])).toEqual(["before", "https://a.example", "*"]);
    for (const text of ["", ",", "a,", "a,,b"]) expect(() => parseList(text, undefined)).toThrow(/commas/);
  });

  it("is a whole number", () => {
    expect(["0", "65536"].map(parseCount)).toEqual([0, 65_536]);
    for (const text of ["", "1.5", "-1", "1k"]) expect(() => parseCount(text)).toThrow(/whole number/);
  });

  it("is an address: host and port, all interfaces, a port of this machine, or none", () => {
    expect(["127.0.0.1:9503", "broker.local:1", "[::1]:65535", ":9503", "9503", "off"].map(parseAddress)).toEqual([
      { host: "127.0.0.1", port: 9503 },
      { host: "broker.local", port: 1 },
      { host: "::1", port: 65_535 },
      { host: "::", port: 9503 },
      { host: "127.0.0.1", port: 9503 },
      "off",
    ]);
    for (const text of ["", "host", "host:", "host:port", "host:65536", "::1:9503", "[::1]", "on"]) {
      expect(() => parseAddress(text)).toThrow(/host:port/);
    }
  });

  it("is a broker to call: the one of this machine when it is on all interfaces, never none", () => {
    expect(["broker.local:1", "[::1]:65535", ":9503", "9503"].map(parsePeer)).toEqual([
      { host: "broker.local", port: 1 },
      { host: "::1", port: 65_535 },
      { host: "127.0.0.1", port: 9503 },
      { host: "127.0.0.1", port: 9503 },
    ]);
    for (const text of ["off", "host", "host:65536"]) {
      expect(() => parsePeer(text)).toThrow(/^(?!.*off)It must be host:port, \[IPv6\]:port/);
    }
  });
});
