import { describe, expect, it } from "vitest";
import { RingmqError } from "../../../src/client/base/error.js";
import { connect } from "../../../src/client/connect.js";
import { type Tokens, takeToken } from "../../../src/client/connection/address.js";
import { readAddress } from "../../../src/client/connection/address-refusal.js";

const refusal = async (address: unknown): Promise<RingmqError> => {
  const error: unknown = await connect(address as string).catch((reason: unknown) => reason);
  if (!(error instanceof RingmqError)) throw new Error(`not refused as it should be: ${String(error)}`);
  return error;
};

describe("the address of a broker", () => {
  it("is tcp:, ws: or wss:, with a port or the usual one", () => {
    const parts = (address: string): unknown[] => {
      const { isTcp, host, port, text } = readAddress(address);
      return [isTcp, host, port, text];
    };
    expect(parts("tcp://127.0.0.1:9600")).toEqual([true, "127.0.0.1", 9600, "tcp://127.0.0.1:9600"]);
    expect(parts("tcp://broker/")).toEqual([true, "broker", 9503, "tcp://broker:9503"]);
    expect(parts("tcp://[::1]:1")).toEqual([true, "::1", 1, "tcp://[::1]:1"]);
    expect(parts("tls://broker")).toEqual([true, "broker", 9503, "tls://broker:9503"]);
    expect(["tcp", "tls", "ws", "wss"].map((scheme) => readAddress(`${scheme}://broker`).isTls)).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect(parts("ws://broker:9504/mq?key=1")).toEqual([false, "broker", 9504, "ws://broker:9504"]);
    expect(parts("wss://broker/mq")).toEqual([false, "broker", 443, "wss://broker:443"]);
    expect(readAddress(new URL("tcp://broker")).host).toBe("broker");
  });

  it.each([
    ["localhost:9503", "must begin with tcp://, tls://, ws:// or wss://, as tcp://localhost:9503 does"],
    ["127.0.0.1:9503", "as tcp://127.0.0.1:9503 does"],
    ["[::1]:9503", "as tcp://[::1]:9503 does"],
    ["localhost", "as tcp://localhost does"],
    ["", "must begin with tcp://"],
    ["http://localhost:9504", "takes ws://localhost:9504/mq"],
    ["https://localhost:9504", "takes wss://localhost:9504/mq"],
    ["tls://localhost:9503/orders", 'path, which means nothing over TCP: leave "/orders" out'],
    ["redis://localhost", "must begin with tcp://"],
    ["tcp:localhost:9503", "must begin with tcp://"],
    ["tcp://:9503", "no host"],
    ["tcp://localhost:65536", "no port from 1 to 65535"],
    ["tcp://localhost:0", "port 0"],
    ["tcp://localhost:9503/orders", 'path, which means nothing over TCP: leave "/orders" out'],
    ["tcp://localhost?tls=1", 'query, which means nothing over TCP: leave "?tls=1" out'],
    ["tcp://localhost#x", 'hash, which means nothing over TCP: leave "#x" out'],
    ["ws://localhost/mq#x", 'hash, which means nothing here: leave "#x" out'],
  ])("is refused, and why is said: %s", async (address, text) => {
    const error = await refusal(address);
    expect([error.code, error.retryable]).toEqual(["BAD_ARGUMENT", false]);
    expect(error.message).toContain(text);
  });

  it.each([undefined, null, 5, {}, [], ["tcp://localhost", 5], "x".repeat(100_000), "a\nb"])(
    "is refused in few words: %#",
    async (address) => {
      const { code, message } = await refusal(address);
      expect(code).toBe("BAD_ARGUMENT");
      expect(message.length).toBeLessThan(300);
      expect(message).not.toContain("\n");
    },
  );

  it.each(["tcp://user:secret@localhost:9503", "ws://user:secret@localhost/mq", "wss://:secret@localhost"])(
    "has no password: %s",
    async (address) => {
      const { code, message } = await refusal(address);
      expect(code).toBe("BAD_ARGUMENT");
      expect(message).toContain("has more than a token before the @");
      expect(message).not.toContain("secret");
    },
  );

  it("gives up the token before its @, and nothing that is shown of it has that", () => {
    const tokens: Tokens = new Map();
    const given = [
      "tcp://ringmq_s%2Bt@h:1",
      "WS://token@h/mq",
      "tcp://a:@[::1]:2",
      "tcp://h",
      "tcp://a:b@h",
      "tcp://@h",
    ];
    expect(given.map((address) => takeToken(address, tokens))).toEqual([
      "tcp://h:1",
      "WS://h/mq",
      "tcp://[::1]:2",
      "tcp://h",
      "tcp://a:b@h",
      "tcp://@h",
    ]);
    expect([...tokens.values()]).toEqual(["ringmq_s+t", "token", "a"]);
    expect(takeToken("tcp://%ff@h", tokens)).toBe("tcp://%ff@h");
  });

  it.each(["tcp://secret@localhost:99999", "ftp://secret@localhost", "tcp://secret@"])(
    "repeats no token, whatever is wrong: %s",
    async (address) => {
      const { code, message } = await refusal(address);
      expect(code).toBe("BAD_ARGUMENT");
      expect(message).not.toContain("secret");
    },
  );

  it.each([
    "user:secret@localhost:9503",
    "http://user:secret@localhost",
    "tcp://user:secret@localhost:99999",
    "tcp://user:se@cret@localhost:99999",
    "tcp:user:secret@localhost",
  ])("repeats no password, whatever else is wrong: %s", async (address) => {
    const { code, message } = await refusal(address);
    expect(code).toBe("BAD_ARGUMENT");
    expect(message).not.toMatch(/secret|user|cret@/);
  });
});
