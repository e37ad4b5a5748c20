/** Every way into a broker that has users: without a token, with a wrong one, and with one of too few rights. */
import {
  type ClientReadableStream,
  credentials,
  Metadata,
  makeGenericClientConstructor,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { loadDefinition } from "../../src/grpc/definition.js";
import { NEEDS, Permission } from "../../src/main/access/permissions.js";
import { hashOf } from "../../src/main/access/token-hash.js";
import type { PermissionName, UserOptions } from "../../src/main/user-options.js";
import { ERRORS, errorName } from "../../src/protocol/errors.js";
import { Answer, Op } from "../../src/protocol/op.js";
import { reflect } from "../conformance/reflection-client.js";
import { entries, frame } from "../main/frames.js";
import { sharedBroker, testBroker } from "./brokers.js";
import { NativeClient } from "./native-client.js";
import { isAnswered, sendRaw } from "./raw-http.js";

const { connect } = (await import(
  "../../dist/client/index.js" as string
)) as typeof import("../../src/client/index.js");

const tokenOf = (name: string): string => `ringmq_token-of-${name}`;

const userOf = (name: string, ...permissions: UserOptions["permissions"]): UserOptions => ({
  name,
  tokens: [{ hash: hashOf(tokenOf(name)) }],
  permissions,
});

const EACH = Object.keys(Permission) as PermissionName[];

/** May do all that there is, but not with `secret`; and one for each permission, with everything. */
const USERS: readonly UserOptions[] = [
  userOf("few", { topics: "other.*", allow: ["publish", "consume", "manage"] }),
  userOf("all", { topics: "*", allow: EACH }),
  ...EACH.map((allow) => userOf(allow, { topics: "*", allow: [allow] })),
];

const SECRET = "secret";

const broker = sharedBroker({ users: USERS, gmqIdentity: "few" });

/** A frame of every request, about a topic and a channel of this name; what else is in it makes no difference. */
const requestOf = (op: number, request: number, name: string): Buffer => {
  const unanswered: readonly number[] = [
    Op.CREDIT,
    Op.SEEN,
    Op.CHANNEL_CREDIT,
    Op.ANSWERED,
    Op.ABANDON,
    Op.REPLY,
    Op.FAIL,
  ];
  const byNumber: readonly number[] = [Op.TOPICS, Op.CHANNELS, Op.CONSUMERS, Op.CONNECTIONS];
  const ids: Readonly<Record<number, unknown>> = { [Op.BACKUP]: "/nowhere", [Op.CLOSE_CONNECTION]: 1_000_000 };
  const first = byNumber.includes(op) ? 0 : (ids[op] ?? name);
  return frame(op, unanswered.includes(op) ? 0 : request, op === Op.PING ? [] : [first], entries("x"));
};

const OPS = Object.entries(Op).filter(([, op]) => op !== Op.HELLO) as [keyof typeof Op, number][];

const codeOf = ({ op, head }: { readonly op: number; readonly head: readonly unknown[] }): string | undefined =>
  op === Answer.ERROR ? errorName(Number(head[0])) : undefined;

describe("the native protocol of a broker with users", () => {
  it.each([
    ["no token", [1, "test"]],
    ["no token and no name", [1]],
    ["a wrong token", [1, "test", "ringmq_wrong"]],
    ["the hash of a token", [1, "test", hashOf(tokenOf("all"))]],
    ["a token that is no text", [1, "test", 7]],
  ])("answers nothing to %s but UNAUTHORIZED, whatever is asked, and closes", async (_what, hello) => {
    const client = await NativeClient.open(broker().tcp);
    const ahead = OPS.map(([, op], i) => requestOf(op, i + 2, SECRET));
    client.send(frame(Op.HELLO, 1, hello), ...ahead);
    await client.closed;
    expect(client.frames.map(codeOf)).toEqual(["UNAUTHORIZED"]);
  });

  it("refuses every request that the user's rights do not reach, as the table says, and no other", async () => {
    const { tcp } = broker();
    for (const user of ["few", ...EACH]) {
      const rights = user === "few" ? 0 : Permission[user as PermissionName];
      const client = await NativeClient.open(tcp);
      client.send(frame(Op.HELLO, 1, [1, "test", tokenOf(user)]));
      expect((await client.next()).op).toBe(Op.HELLO);
      for (const [i, [name, op]] of OPS.entries()) {
        const isAnswered = requestOf(op, 1, SECRET).readUInt32BE(8) !== 0;
        // A frame that has no answer has one when it is refused; the ping behind it tells that there was none.
        client.send(requestOf(op, 10 + i, SECRET), frame(Op.PING, 1000 + i));
        const seen: (string | undefined)[] = [];
        for (let pong = false, answered = !isAnswered; !pong || !answered; ) {
          const next = await client.next();
          if (next.request === 1000 + i) pong = true;
          else answered = true;
          if (next.op === Answer.ERROR) seen.push(codeOf(next));
          // A CONFIRM tells in its payload whose it is.
        }
        const may = NEEDS[name] === 0 || (NEEDS[name] & rights) !== 0;
        expect(`${user} ${name}: ${seen.includes("FORBIDDEN") ? "forbidden" : "allowed"}`).toBe(
          `${user} ${name}: ${may ? "allowed" : "forbidden"}`,
        );
      }
      client.socket.destroy();
    }
  });

  it("says the same of what is there and of what is not", async () => {
    const { tcp } = broker();
    const owner = await connect(`tcp://${tokenOf("all")}@127.0.0.1:${tcp}`);
    await owner.publish(SECRET, "x");
    const client = await NativeClient.open(tcp);
    client.send(frame(Op.HELLO, 1, [1, null, tokenOf("few")]));
    await client.next();
    const there = await client.ask(Op.STATS, 2, [SECRET]);
    const missing = await client.ask(Op.STATS, 3, ["not-there"]);
    expect(there.head).toEqual(missing.head);
    expect(there.head[0]).toBe(ERRORS.FORBIDDEN.code);
    await owner.close();
  });

  it("shows a list of what the user may know of, all of it, however much else there is", async () => {
    const { tcp } = broker();
    const [owner, few] = await Promise.all(
      ["all", "few"].map((user) => connect(`tcp://127.0.0.1:${tcp}`, { token: tokenOf(user) })),
    );
    if (owner === undefined || few === undefined) throw new Error("two were asked for");
    const names = Array.from({ length: 300 }, (_, i) => `${i % 100 === 0 ? "other" : "hidden"}.${i}`);
    await Promise.all(names.map((name) => owner.publish(name, "x")));
    await Promise.all(["other.channel", "hidden.channel"].map((name) => owner.configureChannel(name, { keep: true })));
    const listed = async (list: AsyncIterable<{ readonly name: string }>): Promise<string[]> => {
      const found: string[] = [];
      for await (const { name } of list) found.push(name);
      return found.sort();
    };
    expect(await listed(few.topics())).toEqual(["other.0", "other.100", "other.200"]);
    expect(await listed(few.channels())).toEqual(["other.channel"]);
    const all = await listed(owner.topics());
    expect(names.filter((name) => !all.includes(name))).toEqual([]);
    await Promise.all([owner.close(), few.close()]);
  });

  it("is the same over WebSocket", async () => {
    const { http } = broker();
    const url = `ws://127.0.0.1:${http}/mq`;
    await expect(connect(url, { reconnect: false })).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    await expect(connect(url, { token: "wrong", reconnect: false })).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    const client = await connect(`ws://${tokenOf("few")}@127.0.0.1:${http}/mq`);
    await client.publish("other.ws", "x");
    await expect(client.publish(SECRET, "x")).rejects.toMatchObject({ code: "FORBIDDEN", retryable: false });
    await client.close();
  });
});

describe("HTTP of a broker with users", () => {
  const BODY = `data=${encodeURIComponent(JSON.stringify({ topic: SECRET, body: "x" }))}`;
  const QUERY = `topic=${SECRET}&bindKey=b&msgId=1&id=1&mode=1&msgTTR=60&msgRetry=1&isAutoAck=1`;

  const ask = (path: string, method: string, header: string, query = QUERY): Promise<string> =>
    sendRaw(
      broker().http,
      `${method} ${path}?${query} HTTP/1.1\r\nHost: localhost\r\n${header}Connection: close\r\n` +
        (method === "POST"
          ? `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`
          : "\r\n"),
      isAnswered,
    );

  const statusOf = (text: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);

  /** What answers whoever asks. */
  const OPEN = ["/ping", "/healthz", "/readyz"];

  /** Whoever asks is shown the page, which has to show a token itself before it sees anything. */
  const isPage = (path: string): boolean => /^\/console(?:\/|$)/.test(path);

  it("answers nothing without a token, and nothing with a wrong one, but whether it is well", async () => {
    const { broker: running } = broker();
    const open = running.httpPaths.filter(({ isOpen }) => isOpen).map(({ path }) => path);
    expect(open.filter((path) => !isPage(path)).sort()).toEqual([...OPEN].sort());
    const all = running.httpPaths.map(({ path }) => path);
    const paths = [...all.filter((path) => !isPage(path)), "/not-there", "/console/not-there", "/console/mq"];
    const shown = ["", "Authorization: Bearer wrong\r\n", `Authorization: Bearer ${hashOf(tokenOf("all"))}\r\n`];
    const looks = paths.flatMap((path) =>
      ["GET", "POST", "HEAD"].map(async (method) => {
        const answers = await Promise.all(shown.map((header) => ask(path, method, header)));
        // Probes look, and nobody posts to them.
        const open = method === "POST" && path !== "/ping" ? 405 : 200;
        const status = OPEN.includes(path) ? open : 401;
        expect([path, method, ...answers.map(statusOf)]).toEqual([path, method, status, status, status]);
        if (status === 401) expect(answers[0]).toContain("WWW-Authenticate: Bearer\r\n");
        const isMemmq = method !== "HEAD" && (path === "/pub" || path === "/sub");
        if (isMemmq) expect(answers[0]).toContain('{"code":401,"error":"UNAUTHORIZED","msg":"');
      }),
    );
    await Promise.all(looks);
  });

  it("answers the same to everybody about the console, but for who they are", async () => {
    const paths = broker().broker.httpPaths.filter(({ path }) => isPage(path));
    expect(paths.map(({ path }) => path)).toEqual(
      expect.arrayContaining(["/console", "/console/", "/console/session"]),
    );
    const bearer = (token: string): string => `Authorization: Bearer ${token}\r\n`;
    for (const { path } of paths.filter((each) => each.path !== "/console/session")) {
      const [nobody, ...others] = await Promise.all(
        ["", bearer("wrong"), bearer(tokenOf("few")), bearer(tokenOf("all"))].map((header) => ask(path, "GET", header)),
      );
      const bare = (text = ""): string => text.replace(/^date: .*\r\n/im, "");
      expect(others.map(bare)).toEqual([nobody, nobody, nobody].map(bare));
    }
    const who = async (header: string): Promise<unknown> => {
      const text = await ask("/console/session", "GET", header);
      if (statusOf(text) !== 200) return statusOf(text);
      const { login, user } = JSON.parse(text.slice(text.indexOf("\r\n\r\n"))) as Record<string, unknown>;
      return [login, user];
    };
    expect(await who("")).toEqual([true, null]);
    expect(await who(bearer("wrong"))).toBe(401);
    expect(await who(bearer(tokenOf("few")))).toEqual([false, "few"]);
  });

  it("answers 403 where the user's rights do not reach", async () => {
    for (const { path, isOpen } of broker().broker.httpPaths) {
      if (isOpen === true) continue;
      const method = path === "/push" || path === "/pub" ? "POST" : "GET";
      const text = await ask(path, method, `Authorization: Bearer ${tokenOf("few")}\r\n`);
      // A list shows what the user may know of; the description is the same for everybody.
      const status = path === "/getAllTopicStat" || path === "/openapi.json" ? 200 : 403;
      expect(`${path} ${statusOf(text)}`).toBe(`${path} ${status}`);
      expect(text).not.toContain("hidden.");
    }
  });

  it("takes a token as Bearer, as Basic, and in the query", async () => {
    const token = tokenOf("few");
    const basic = (text: string): string => `Authorization: Basic ${Buffer.from(text).toString("base64")}\r\n`;
    const query = "topic=other.http";
    const headers = [
      `Authorization: Bearer ${token}\r\n`,
      `authorization: bearer ${token}\r\n`,
      basic(`${token}:`),
      basic(`me:${token}`),
    ];
    const answers = await Promise.all(headers.map((header) => ask("/pop", "GET", header, query)));
    answers.push(await ask("/pop", "GET", "", `${query}&access_token=${token}`));
    expect(answers.map(statusOf)).toEqual([200, 200, 200, 200, 200]);
    const wrong = [
      basic(":"),
      basic(`${token}x:`),
      `Authorization: ${token}\r\n`,
      `Authorization: Digest ${token}\r\n`,
    ];
    for (const header of wrong) expect(statusOf(await ask("/pop", "GET", header, query))).toBe(401);
  });

  it("opens no WebSocket of memmq without a token, and none about a topic that the user has no right to", async () => {
    const { http } = broker();
    const open = (path: string, token?: string) =>
      new Promise<string>((resolve) => {
        const query = token === undefined ? "" : `&access_token=${token}`;
        const socket = new WebSocket(`ws://127.0.0.1:${http}${path}?topic=${SECRET}${query}`);
        socket.on("error", (error) => resolve(error.message));
        socket.on("close", (code, reason) => resolve(`${code} ${reason.toString()}`));
        socket.on("open", () => socket.send("x"));
      });
    for (const path of ["/pub", "/sub"]) {
      expect(await open(path)).toContain("401");
      expect(await open(path, "wrong")).toContain("401");
      expect(await open(path, tokenOf("few"))).toMatch(/^1008 FORBIDDEN/);
    }
  });
});

describe("gRPC of a broker with users", () => {
  it("answers its health alone without a token, and what the user's rights do not reach not at all", async () => {
    const grpc = { host: "127.0.0.1", port: 0 };
    const { broker: running } = await testBroker({ users: USERS, grpc, durability: "memory" });
    const { mq } = loadDefinition();
    expect(Object.keys(mq).sort()).toEqual(["Pub", "Sub"]);
    const Service = makeGenericClientConstructor({ ...mq }, "mq.MQ");
    const client = new Service(`127.0.0.1:${running.addresses.grpc?.port}`, credentials.createInsecure());
    const metadataOf = (token: string | undefined): Metadata => {
      const metadata = new Metadata();
      if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
      return metadata;
    };
    const pub = (topic: string, token?: string): Promise<number> =>
      new Promise((resolve) => {
        client["Pub"]?.({ topic, payload: Buffer.from("x") }, metadataOf(token), (error: ServiceError | null) =>
          resolve(error?.code ?? status.OK),
        );
      });
    const sub = (topic: string, token?: string): Promise<number> =>
      new Promise((resolve) => {
        const call = client["Sub"]?.({ topic }, metadataOf(token)) as ClientReadableStream<unknown>;
        call.on("error", (error: ServiceError) => resolve(error.code));
        call.on("metadata", () => {
          resolve(status.OK);
          call.cancel();
        });
      });
    for (const ask of [pub, sub]) {
      expect([
        await ask(SECRET),
        await ask(SECRET, "wrong"),
        await ask(SECRET, "x".repeat(7_000)),
        await ask(SECRET, tokenOf("few")),
        await ask("other.x", tokenOf("few")),
      ]).toEqual([...Array(3).fill(status.UNAUTHENTICATED), status.PERMISSION_DENIED, status.OK]);
    }
    client.close();
    // What the service is called says nothing of the broker.
    const port = running.addresses.grpc?.port ?? 0;
    const { services } = await reflect("v1", { port, secured: credentials.createInsecure() }, "mq.MQ");
    expect(services.sort()).toEqual(["grpc.health.v1.Health", "mq.MQ"]);
  });
});

describe("gmq's TCP protocols of a broker with users", () => {
  /** What comes back for what is sent, until it is quiet, or the connection ends. */
  const say = async (port: number, bytes: Buffer | string, least = 1): Promise<string> =>
    sendRaw(port, bytes, (text) => text.length >= least);

  const v111 = (command: string, data: string): Buffer => {
    const bytes = Buffer.alloc(10);
    bytes.write("v111");
    return Buffer.concat([bytes, Buffer.from(command), Buffer.from(data)]);
  };

  it("are refused in their own words where nobody is told to be their user", async () => {
    const { tcp } = await testBroker({ users: USERS, durability: "memory" });
    const line = await say(tcp, "set other.x 1 1 1 1\r\n", 1_000);
    expect(Buffer.from(line, "latin1").readUInt16BE(0)).toBe(102);
    expect(line).toContain("this broker asks who its clients are");
    const first = await say(tcp, v111("ping", ""), 1_000);
    expect(Buffer.from(first, "latin1").readInt16BE(0)).toBe(1);
    expect(first).toContain("this broker asks who its clients are");
  });

  it("have the rights of their user: every command is refused where they do not reach", async () => {
    const { tcp } = broker();
    const job = JSON.stringify({ id: "7", topic: SECRET, body: "x", delay: 0, TTR: 60 });
    const body = Buffer.concat([Buffer.from([0, 0, 0, 1]), Buffer.from("x")]);
    const commands: readonly (Buffer | string)[] = [
      Buffer.concat([Buffer.from(`pub ${SECRET} key 0\n`), body]),
      Buffer.concat([Buffer.from(`mpub ${SECRET} 1\n`), Buffer.alloc(4), body]),
      Buffer.concat([Buffer.from(`publish ${SECRET}\n`), body]),
      `pop ${SECRET} key\n`,
      `ack 7 ${SECRET} key\n`,
      `set ${SECRET} 1 1 60 1\n`,
      `queue ${SECRET} key\n`,
      `dead ${SECRET} key\n`,
      `subscribe ${SECRET}\n`,
    ];
    for (const command of commands) {
      const text = await say(tcp, command, 30);
      expect(`${String(command).split(" ", 1)[0]}: ${text}`).toContain("your permissions do not allow this");
    }
    expect(job).toContain(SECRET);
  });
});

describe("users that change while a broker runs", () => {
  it("are disconnected when their token is gone; others and what they hold stay", async () => {
    const { broker: running, tcp } = await testBroker({ users: USERS, durability: "memory" });
    const statuses: string[] = [];
    const [gone, stays] = await Promise.all(
      ["publish", "all"].map((user) => connect(`tcp://${tokenOf(user)}@127.0.0.1:${tcp}`, { reconnect: false })),
    );
    if (gone === undefined || stays === undefined) throw new Error("two were asked for");
    void gone.closed.then((error) => statuses.push(error?.code ?? "closed"));
    running.reload({ users: USERS.filter(({ name }) => name !== "publish") });
    await gone.closed;
    expect(statuses).toEqual(["UNAUTHORIZED"]);
    await stays.publish("x", "y");
    expect(() => running.reload({ users: [] })).toThrow(/open to everybody/);
    expect(() => running.reload({ users: [{ name: "", permissions: [] }] })).toThrow(RangeError);
    await stays.publish("x", "y");
    await stays.close();
  });

  it("are asked from the first reload on that brings some: who came before has to go", async () => {
    const { broker: running, tcp } = await testBroker({ durability: "memory" });
    const client = await connect(`tcp://127.0.0.1:${tcp}`, { reconnect: false });
    await client.publish("x", "y");
    running.reload({ users: USERS });
    await expect(client.closed).resolves.toMatchObject({ code: "UNAUTHORIZED" });
    await expect(connect(`tcp://127.0.0.1:${tcp}`, { reconnect: false })).rejects.toMatchObject({
      code: "UNAUTHORIZED",
    });
  });

  it("are disconnected when the time of their token is over", async () => {
    const expires = new Date(Date.now() + 1_500);
    const users = [{ ...userOf("short"), tokens: [{ hash: hashOf("short"), expires }] }];
    const { tcp } = await testBroker({ users, durability: "memory" }, { sweepEvery: 100 });
    const client = await connect(`tcp://127.0.0.1:${tcp}`, { token: "short", reconnect: false });
    await expect(client.closed).resolves.toMatchObject({ code: "UNAUTHORIZED" });
    expect(Date.now()).toBeGreaterThanOrEqual(expires.getTime());
  });
});

describe("limits of a user", () => {
  const limited = (limits: UserOptions["limits"]): UserOptions => ({
    ...userOf("some", { topics: "*", allow: ["publish", "consume"] }),
    limits,
  });

  it("bound its connections, by whatever protocol", async () => {
    const { tcp, http } = await testBroker({ users: [limited({ connections: 2 })], durability: "memory" });
    const token = tokenOf("some");
    const first = await connect(`tcp://127.0.0.1:${tcp}`, { token });
    const second = await connect(`ws://127.0.0.1:${http}/mq`, { token });
    const third = connect(`tcp://127.0.0.1:${tcp}`, { token, reconnect: false });
    await expect(third).rejects.toMatchObject({ code: "TOO_MANY_CONNECTIONS" });
    await first.close();
    await second.close();
    const again = await connect(`tcp://127.0.0.1:${tcp}`, { token });
    await again.close();
  });

  it("hold its publishes back, and lose none; HTTP is told to come later", async () => {
    const { tcp, http } = await testBroker({ users: [limited({ publishRate: 1_000 })], durability: "memory" });
    const token = tokenOf("some");
    const client = await connect(`tcp://127.0.0.1:${tcp}`, { token });
    const begin = performance.now();
    const batch = Array.from({ length: 1_000 }, () => "x");
    for (let i = 0; i < 3; i++) await client.publishBatch("t", batch);
    // The first second's worth is at once; what comes in one read is taken, and the next waits for it.
    expect(performance.now() - begin).toBeGreaterThan(900);
    const text = await sendRaw(
      http,
      `POST /pub?topic=t HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n` +
        "Content-Length: 1\r\n\r\nx",
      isAnswered,
    );
    expect(text).toMatch(/^HTTP\/1\.1 429 Too Many Requests\r\n/);
    expect(text).toMatch(/^Retry-After: [12]\r$/m);
    expect(text).toContain('{"code":429,"error":"BUSY","msg":"more is published');
    expect((await client.stats("t")).published).toBe(3_000);
    await client.close();
  });
});
