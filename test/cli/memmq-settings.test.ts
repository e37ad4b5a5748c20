import { expect, it } from "vitest";
import { FlagsError, memmqSettings } from "../../src/cli/memmq/memmq-settings.js";
import { statusLines } from "../../src/cli/memmq/upstream-client.js";
import { connectFailure } from "../../src/memmq-client/failure.js";
import { RingmqError } from "../../src/memmq-client/index.js";

const EVERYWHERE = { host: "::", port: 8081 };

it("is a server with memmq's defaults without flags", () => {
  expect(memmqSettings({})).toEqual({
    mode: "server",
    listen: { address: EVERYWHERE, transport: "http", certificate: undefined },
    data: undefined,
    switches: { console: true, openapi: true, trace: false },
  });
  expect(memmqSettings({ address: "", cert_file: "", persist: false, transport: "" })).toEqual(memmqSettings({}));
});

it("has what every broker has, unless it is switched off, and traces when it is told to", () => {
  expect(memmqSettings({ no_console: true, no_openapi: true, trace: true })).toMatchObject({
    switches: { console: false, openapi: false, trace: true },
  });
  expect(memmqSettings({ no_console: false, no_openapi: "", trace: false })).toEqual(memmqSettings({}));
});

it("keeps messages where it is told, or beside the files of topics", () => {
  expect(memmqSettings({ persist: true })).toMatchObject({ data: "memmq-data" });
  expect(memmqSettings({ persist: true, data: "/var/lib/memmq" })).toMatchObject({ data: "/var/lib/memmq" });
});

it("is a proxy before servers, each tried once more, or as often as told", () => {
  const upstream = { select: "all", resolver: "ip", retries: 1, transport: "http", verify: false, caFile: undefined };
  expect(memmqSettings({ proxy: true, servers: ["a:1", "b:2"] })).toEqual({
    mode: "proxy",
    listen: { address: EVERYWHERE, transport: "http", certificate: undefined },
    upstream: { ...upstream, servers: ["a:1", "b:2"] },
  });
  expect(memmqSettings({ proxy: true, servers: ["a:1"], retries: 0, select: "shard", resolver: "dns" })).toMatchObject({
    upstream: { retries: 0, select: "shard", resolver: "dns" },
  });
});

it("is a client of the server on this machine, or of others", () => {
  expect(memmqSettings({ client: true, topic: "t", publish: true })).toMatchObject({
    mode: "client",
    publish: true,
    subscribe: false,
    interactive: false,
    upstream: { servers: ["localhost:8081"], verify: false },
  });
  expect(memmqSettings({ i: true, topic: "t", ca_file: "ca.pem" })).toMatchObject({
    mode: "client",
    publish: true,
    subscribe: true,
    interactive: true,
    upstream: { verify: true, caFile: "ca.pem" },
  });
});

it.each([
  [{ proxy: true, client: true }, "--proxy and --client exclude each other"],
  [{ proxy: true, i: true, topic: "t" }, "--proxy and -i exclude each other"],
  [{ proxy: true }, "--proxy needs servers: --servers="],
  [{ proxy: true, servers: [] }, "--proxy needs servers"],
  [{ proxy: true, servers: ["a"], persist: true }, "a proxy has no messages of its own"],
  [{ client: true, publish: true }, "a client needs a topic"],
  [{ i: true }, "a client needs a topic"],
  [{ client: true, topic: "t" }, "a client needs --publish, --subscribe, both, or -i"],
  [{ client: true, topic: "t", publish: true, persist: true }, "a client keeps nothing"],
  [{ publish: true }, "--publish is for a client: add --client"],
  [{ topic: "t" }, "--topic is for a client: add --client"],
  [{ servers: ["a"] }, "--servers is for a client or a proxy: add --client or --proxy"],
  [{ retries: 0, persist: true }, "--retries is for a client or a proxy"],
  [{ verify: true }, "--verify is for a client or a proxy"],
  [{ proxy: true, servers: ["a"], data: "d" }, "a proxy has no messages of its own"],
  [{ client: true, topic: "t", publish: true, data: "d" }, "a client keeps nothing"],
  [{ i: true, topic: "t", address: EVERYWHERE }, "--address is for a server or a proxy, not for a client"],
  [{ client: true, topic: "t", publish: true, trace: true }, "--trace is for a server: leave it out"],
  [{ proxy: true, servers: ["a"], no_console: true }, "--no_console is for a server: leave it out"],
  [{ cert_file: "c.pem" }, "--cert_file and --key_file go together"],
  [{ key_file: "k.pem" }, "--cert_file and --key_file go together"],
  [{ data: "d" }, "--data is the directory of --persist"],
])("refuses %j", (flags, text) => {
  expect(() => memmqSettings(flags)).toThrow(FlagsError);
  expect(() => memmqSettings(flags)).toThrow(text);
});

it("says once that something is wrong, in words of the flags", () => {
  const lines: string[] = [];
  const write = (text: string): void => void lines.push(text);
  const told = statusLines(write, write);
  const untrusted = connectFailure("https://a", Object.assign(new Error("self-signed"), { code: "SELF_SIGNED_CERT" }));
  const unknown = new RingmqError("CONNECT_FAILED", "b cannot be looked up", true);
  for (let i = 0; i < 2; i++) {
    told({ type: "lost", server: "https://a", topic: "t", error: untrusted });
    told({ type: "list-failed", name: "b", error: unknown });
  }
  told({ type: "subscribed", server: "https://a", topic: "t" });
  expect(lines).toEqual([
    expect.stringMatching(/with --ca_file, or leave --verify out; it is tried again$/),
    "b cannot be looked up; it is tried again",
    "https://a is back",
  ]);
});
