/** What clients and programs of a broker with users are told, and that those of memmq show a token. */
import { describe, expect, it } from "vitest";
import { hashOf } from "../../src/main/access/token-hash.js";
import type { UserOptions } from "../../src/main/user-options.js";
import { sharedBroker } from "./brokers.js";
import { run } from "./program.js";

const { createClient } = (await import(
  "../../dist/memmq-client/index.js" as string
)) as typeof import("../../src/memmq-client/index.js");

const TOKEN = "ringmq_token-of-some";

const USERS: readonly UserOptions[] = [
  {
    name: "some",
    tokens: [{ hash: hashOf(TOKEN) }],
    permissions: [{ topics: "mine.*", allow: ["publish", "consume"] }],
  },
];

const broker = sharedBroker({ users: USERS, grpc: { host: "127.0.0.1", port: 0 }, durability: "memory" });

describe("memmq's client", () => {
  it.each(["http", "grpc"] as const)("shows its token with whatever it asks over %s", async (transport) => {
    const { broker: running, http } = broker();
    const port = transport === "http" ? http : running.addresses.grpc?.port;
    const clientWith = (token?: string) =>
      createClient({ servers: [`http://127.0.0.1:${port}`], transport, token, retries: 0 });
    await using client = clientWith(TOKEN);
    const channel = `mine.${transport}`;
    const subscription = client.subscribe(channel, { from: "start" });
    const first = subscription[Symbol.asyncIterator]().next();
    await client.publish(channel, "hello");
    await client.publish(channel, "hello");
    const { value } = await first;
    expect(new TextDecoder().decode(value?.payload)).toBe("hello");
    await expect(client.publish("secret", "x")).rejects.toMatchObject({ code: "FORBIDDEN", retryable: false });
    for (const token of [undefined, "wrong"]) {
      await using other = clientWith(token);
      await expect(other.publish(channel, "x")).rejects.toMatchObject({ code: "UNAUTHORIZED", retryable: false });
    }
  });

  it("takes no token that is none, and does not repeat it", () => {
    for (const token of ["", "two words", "x".repeat(1_025), 7]) {
      expect(() => createClient({ token: token as string })).toThrow(
        "token must be text of 1 to 1024 characters without spaces",
      );
    }
  });
});

describe("a command of ringmq", () => {
  it("says what to do when it has shown no token, or a wrong one", async () => {
    const said = async (...args: readonly string[]) => {
      const { text, exit } = run(["pop", "mine.a", "--server", `127.0.0.1:${broker().tcp}`, ...args], {
        RINGMQ_TOKEN: "",
      });
      return [(await exit).code, text.err];
    };
    const hint = "\nTo show another token, give --token, or set RINGMQ_TOKEN.\n";
    expect(await Promise.all([said(), said("--token", "wrong")])).toEqual([
      [1, `error: this broker asks who its clients are: show it a token (UNAUTHORIZED)${hint}`],
      [1, `error: what was shown is no token of this broker, or no longer good (UNAUTHORIZED)${hint}`],
    ]);
  });
});
