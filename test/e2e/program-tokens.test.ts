/** Programs show tokens: nodes and gclient to a registry, memmq's client and proxy to a broker with users. */
import { once } from "node:events";
import { connect } from "node:net";
import { expect, it } from "vitest";
import { hashOf } from "../../src/main/access/token-hash.js";
import { testBroker } from "./brokers.js";
import { sendRaw } from "./raw-http.js";
import { Shell } from "./shell.js";

const TOKEN = "ringmq_of-the-fleet";

it("gregister, gnode and gclient", async () => {
  const shell = new Shell(undefined, { RINGMQ_TOKEN: TOKEN, RINGMQ_TOKEN_HASH: hashOf(TOKEN) });
  const registry = shell.program("gregister -http_addr=127.0.0.1:0");
  const url = await registry.said(/http:\/\/127\.0\.0\.1:\d+/);
  const start = (of: Shell, flags: string) =>
    of.program(`gnode -tcp_addr=127.0.0.1:0 -http_addr=127.0.0.1:0 -register_addr=${url} ${flags}`);
  const stranger = start(new Shell(), "-node_id=1");
  await stranger.said("a token of this registry is needed");
  const node = start(shell, "-node_id=2");
  await node.said("the node is listed");
  const push = "gclient -cmd=push_by_weight -push_num=1 -topic=t -message=hello";
  const refused = new Shell().program(`${push} -register_addr=${url}`);
  expect(await refused.exit).toBe(1);
  expect(refused.text.err).toContain("a token of this registry is needed");
  const pushed = new Shell().program(`${push} -register_addr=${url} -token=${TOKEN}`);
  expect(await pushed.exit).toBe(0);
  expect(pushed.text.err).toMatch(/msg\.id:\d+/);
  expect(JSON.parse(await shell.output(`curl -s -H 'Authorization: Bearer ${TOKEN}' ${url}/getNodes`))).toMatchObject({
    data: { nodes: [{ id: 2 }] },
  });
  for (const { text } of [registry, node, stranger, pushed]) expect(text.out + text.err).not.toContain(TOKEN);
});

it("gclient to nodes that have users", async () => {
  const users = [
    { name: "some", tokens: [{ hash: hashOf(TOKEN) }], permissions: [{ topics: "mine", allow: ["publish"] as const }] },
  ];
  const { tcp } = await testBroker({ users, durability: "memory" });
  const open = await testBroker({ durability: "memory" });
  const push = async (port: number, topic: string, token: string): Promise<readonly [number | null, string]> => {
    const line = `gclient -node_addr=127.0.0.1:${port} -cmd=push -push_num=2 -topic=${topic} ${token}`;
    const { exit, text } = new Shell().program(line);
    return [await exit, text.err];
  };
  const id = expect.stringMatching(/msg\.id:\d+/);
  expect(await push(tcp, "mine", `-token=${TOKEN}`)).toEqual([0, id]);
  expect(await push(tcp, "others", `-token=${TOKEN}`)).toEqual([1, expect.stringContaining("permission")]);
  expect(await push(tcp, "mine", "-token=wrong")).toEqual([1, expect.stringContaining("it refuses the token")]);
  expect(await push(tcp, "mine", "")).toEqual([1, expect.stringContaining("asks who its clients are")]);
  // One that has none takes whatever is shown.
  expect(await push(open.tcp, "mine", "-token=any")).toEqual([0, id]);
});

it("a line of the line protocol shows a token, which counts alone", async () => {
  const users = [
    { name: "other", tokens: [], permissions: [] },
    { name: "some", tokens: [{ hash: hashOf(TOKEN) }], permissions: [{ topics: "mine", allow: ["manage"] as const }] },
  ];
  const { tcp } = await testBroker({ users, gmqIdentity: "other", durability: "memory" });
  const say = (text: string, least: number) => sendRaw(tcp, text, ({ length }) => length >= least);
  const OK = "\0\x67\0\0\0\x02ok";
  expect(await say(`auth ${TOKEN}\r\nset mine 1 1 1 1\nset x 1 1 1 1\n`, 20)).toMatch(
    new RegExp(`^${OK}${OK}\0\x66.*permission`, "s"),
  );
  // Without a line it is the user that was named, with a wrong one nobody, and nobody who does not come to an end.
  expect(await say("set mine 1 1 1 1\n", 20)).toMatch(/^\0\x66.*permission/s);
  for (const wrong of ["auth wrong\n", `auth ${TOKEN} x\n`, "auth \n", `auth ${"x".repeat(1_500)}\n`]) {
    expect(await say(wrong, 40)).toMatch(/^\0\x66.*asks who its clients are/s);
  }
  expect(await say(`auth ${"x".repeat(3_000)}`, 1_000)).toBe("");
  // In pieces.
  const socket = connect(tcp, "127.0.0.1");
  for (const piece of ["a", "uth ", TOKEN.slice(0, 9), `${TOKEN.slice(9)}\nping x\n`]) {
    await new Promise((resolve) => socket.write(piece, resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(String((await once(socket, "data"))[0])).toContain("ok");
  socket.destroy();
});

it("a token or a hash that is none is refused, and a token is not repeated", async () => {
  const refused = async (line: string, env: Record<string, string> = {}): Promise<string> => {
    const { exit, text } = new Shell(undefined, env).program(line);
    expect(await exit).toBe(2);
    return text.err;
  };
  expect(await refused("gregister -token_hash=sha256:12")).toContain("It must be sha256: and 64 hex digits");
  const said = await refused("gclient -cmd=push", { RINGMQ_TOKEN: "two secret words" });
  expect(said).toContain("RINGMQ_TOKEN: It must be a token");
  expect(said).not.toContain("secret");
});

it("memmq: a client, and a proxy that shows its own", async () => {
  const user = {
    name: "some",
    tokens: [{ hash: hashOf(TOKEN) }],
    permissions: [{ topics: "*", allow: ["publish", "consume"] as const }],
  };
  const { http } = await testBroker({ users: [user], durability: "memory" });
  const servers = `--servers=http://127.0.0.1:${http}`;
  const shell = new Shell(undefined, { RINGMQ_TOKEN: TOKEN });
  const refused = new Shell().program(`sh -c 'echo x | memmq --client --topic=t --publish ${servers}'`);
  expect(await refused.exit).toBe(1);
  expect(refused.text.err).toMatch(/token/);

  const proxy = shell.program(`memmq --proxy --address=127.0.0.1:0 ${servers}`);
  const [, port] = /https:\/\/127\.0\.0\.1:(\d+)/.exec(await proxy.said(/https:\/\/127\.0\.0\.1:\d+/)) ?? [];
  const subscriber = new Shell().program(`memmq --client --topic=t --subscribe --servers=127.0.0.1:${port}`);
  const publish = `sh -c 'echo hello | memmq --client --topic=t --publish ${servers} --token=${TOKEN}'`;
  // Until the subscription has come through.
  while (!subscriber.text.out.includes("hello\n")) expect(await new Shell().program(publish).exit).toBe(0);
});
