/** `/console/` of a broker: the files of the page, logins, and the native protocol of who is logged in. */
import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { hashOf } from "../../src/main/access/token-hash.js";
import type { BrokerOptions } from "../../src/main/options.js";
import type { UserOptions } from "../../src/main/user-options.js";
import { errorName } from "../../src/protocol/errors.js";
import { Answer, Op } from "../../src/protocol/op.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { ENGINE_NAMES } from "../http-engine.js";
import { frame, readFrame } from "../main/frames.js";
import { testBroker } from "./brokers.js";
import { NativeClient } from "./native-client.js";

const INDEX = "<!doctype html><title>console</title>";
const SCRIPT = "export const one = 1;\n".repeat(20_000);

const directory = makeDirectory();
afterAll(() => removeDirectory(directory));
mkdirSync(join(directory, "assets"));
writeFileSync(join(directory, "index.html"), INDEX);
writeFileSync(join(directory, "assets/app-Bd3f_x-1.js"), SCRIPT);
const page = pathToFileURL(`${directory}/`);
const ASSET = "/console/assets/app-Bd3f_x-1.js";

const tokenOf = (name: string): string => `ringmq_token-of-${name}`;

const userOf = (name: string, ...permissions: UserOptions["permissions"]): UserOptions => ({
  name,
  tokens: [{ hash: hashOf(tokenOf(name)) }],
  permissions,
});

const USERS: readonly UserOptions[] = [
  userOf("ops", { topics: "*", allow: ["publish", "consume", "manage", "operate"] }),
  userOf("few", { topics: "other.*", allow: ["consume"] }),
];

type Headers = Readonly<Record<string, string | readonly string[]>>;

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
}

const ask = (port: number, method: string, path: string, headers: Headers = {}, body?: string): Promise<Got> =>
  new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const sent = { host: `127.0.0.1:${port}`, ...length, ...headers } as Record<string, string>;
    const outgoing = request({ host: "127.0.0.1", port, method, path, headers: sent, setHost: false }, (answer) => {
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("error", reject);
      answer.on("end", () => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, bytes: Buffer.concat(parts) });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });

const JSON_TYPE = { "content-type": "application/json" };

const own = (port: number): { readonly origin: string } => ({ origin: `http://127.0.0.1:${port}` });

const post = (port: number, token: unknown, headers: Headers = {}): Promise<Got> =>
  ask(
    port,
    "POST",
    "/console/session",
    { ...JSON_TYPE, ...own(port), ...headers },
    typeof token === "string" ? JSON.stringify({ token }) : String(token),
  );

const session = async (port: number, headers: Headers = {}): Promise<unknown> =>
  JSON.parse((await ask(port, "GET", "/console/session", headers)).bytes.toString());

/** `name=value` of the cookie that was set. */
const cookieOf = ({ headers }: Got): string => headers["set-cookie"]?.[0]?.split(";")[0] ?? "";

const logIn = async (port: number, user: string, headers: Headers = {}): Promise<string> => {
  const got = await post(port, tokenOf(user), headers);
  expect(got.status).toBe(200);
  return cookieOf(got);
};

/** What a WebSocket is told: the status of a refusal, or the answers to frames, the last of which may be its end. */
const open = async (port: number, path: string, headers: Headers, ...frames: readonly Buffer[]) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: headers as Record<string, string> });
  const answers: string[] = [];
  let changed = (): void => {};
  let isClosed = false;
  const status = await new Promise<number>((resolve) => {
    socket.on("open", () => resolve(101));
    socket.on("error", () => {});
    socket.on("unexpected-response", (outgoing, answer) => {
      resolve(answer.statusCode ?? 0);
      outgoing.destroy();
    });
    socket.on("message", (message: Buffer) => {
      const { op, head } = readFrame(message);
      answers.push(op === Answer.ERROR ? String(errorName(Number(head[0]))) : String(op));
      changed();
    });
    socket.on("close", () => {
      isClosed = true;
      changed();
    });
  });
  if (status !== 101) return { status, answers, socket, closed: async () => {} };
  for (const each of frames) socket.send(each);
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        changed = resolve;
      });
    }
  };
  await until(() => isClosed || answers.length >= frames.length);
  return { status, answers, socket, closed: () => until(() => isClosed) };
};

const HELLO = frame(Op.HELLO, 1, [1, "page"]);
const STATS = frame(Op.STATS, 2, ["secret"]);
const UPGRADE = { connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13" };

describe.each(ENGINE_NAMES)("on the engine %s", (httpEngine) => {
  const broker = (options: Partial<BrokerOptions> = {}) =>
    testBroker({ httpEngine, durability: "memory", ...options }, { page, sweepEvery: 50 });

  it("serves the files of the page and no others, under rules that let in nothing else", async () => {
    const { http, broker: running } = await broker({ allowOrigin: ["*"] });
    const redirect = await ask(http, "GET", "/console");
    expect([redirect.status, redirect.headers["location"]]).toEqual([308, "console/"]);
    const index = await ask(http, "GET", "/console/", { "accept-encoding": "gzip" });
    expect([index.status, index.bytes.toString()]).toEqual([200, INDEX]);
    expect(index.headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-cache",
      "content-security-policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
    });
    const plain = await ask(http, "GET", ASSET);
    const zipped = await ask(http, "GET", ASSET, { "accept-encoding": "br;q=1, gzip" });
    expect(plain.bytes.toString()).toBe(SCRIPT);
    expect(gunzipSync(zipped.bytes).toString()).toBe(SCRIPT);
    expect(zipped.headers).toMatchObject({
      "content-encoding": "gzip",
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": "public, max-age=31536000, immutable",
      vary: "Accept-Encoding",
    });
    expect((await ask(http, "GET", ASSET, { "accept-encoding": "gzip;q=0" })).bytes.length).toBe(SCRIPT.length);
    const tag = String(zipped.headers["etag"]);
    expect(plain.headers["etag"]).not.toBe(tag);
    const known = { "accept-encoding": "gzip", "if-none-match": `"x", W/${tag}` };
    const same = await ask(http, "GET", ASSET, known);
    expect([same.status, same.bytes.length, same.headers["etag"]]).toEqual([304, 0, tag]);
    const head = await ask(http, "HEAD", ASSET, { "accept-encoding": "gzip" });
    expect([head.status, head.bytes.length, head.headers["etag"]]).toEqual([200, 0, tag]);
    for (const path of [
      "/console/index.html",
      "/console/assets/",
      "/console/assets/..%2f..%2fx",
      "/console/../package.json",
    ]) {
      expect((await ask(http, "GET", path)).status).toBe(404);
    }
    expect((await ask(http, "POST", "/console/", {}, "x")).status).toBe(405);
    expect(
      running.httpPaths
        .filter(({ path }) => path.startsWith("/console"))
        .map(({ path }) => path)
        .sort(),
    ).toEqual(["/console", "/console/", ASSET, "/console/session"].sort());
  });

  it("answers links of other pages with the page, and nothing else of theirs, whatever --allow-origin says", async () => {
    const { http } = await broker({ allowOrigin: ["*", "https://a.example"] });
    const link = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
    expect((await ask(http, "GET", "/console/", link)).status).toBe(200);
    const foreign: readonly (readonly [string, string, Headers])[] = [
      ["GET", "/console/", { ...link, "sec-fetch-dest": "iframe" }],
      ["GET", ASSET, link],
      ["GET", "/console/session", link],
      ["GET", "/console/session", { origin: "https://a.example" }],
      ["POST", "/console/session", { origin: "https://a.example", ...JSON_TYPE }],
      ["DELETE", "/console/session", { origin: `http://127.0.0.1:${http + 1}` }],
      ["GET", "/console/", { host: `evil.example:${http}`, origin: `http://evil.example:${http}` }],
      ["GET", "/console/session", { host: "evil.example" }],
    ];
    for (const [method, path, headers] of foreign) {
      const got = await ask(http, method, path, headers, method === "POST" ? '{"token":"x"}' : undefined);
      expect([method, path, headers, got.status]).toEqual([method, path, headers, 403]);
      expect(got.headers["access-control-allow-origin"]).toBeUndefined();
    }
    for (const headers of [{}, { origin: "https://a.example" }, { origin: "null" }, { origin: `https://127.0.0.1` }]) {
      expect((await open(http, "/console/mq", headers, HELLO)).status).toBe(403);
    }
    expect((await open(http, "/console/mq", own(http), HELLO, STATS)).answers).toEqual([String(Op.HELLO), "NO_TOPIC"]);
    expect(await session(http)).toMatchObject({ kind: "broker", login: false, user: null, unavailable: null });
    const needless = await post(http, "any");
    expect([needless.status, needless.headers["set-cookie"]]).toEqual([200, undefined]);
  });

  it("logs users in, who may then what they may, in the console and nowhere else", async () => {
    const { http, tcp } = await broker({ users: USERS });
    expect(await session(http)).toMatchObject({ login: true, user: null });
    const got = await post(http, tokenOf("ops"));
    expect(JSON.parse(got.bytes.toString())).toMatchObject({ kind: "broker", login: false, user: "ops" });
    expect(got.headers["set-cookie"]).toEqual([
      expect.stringMatching(new RegExp(`^ringmq-${http}=[\\w-]{43}; Path=/console/; HttpOnly; SameSite=Strict$`)),
    ]);
    expect(got.headers["cache-control"]).toBe("no-store");
    const cookie = cookieOf(got);
    expect(await session(http, { cookie: `a=b; ${cookie}; c` })).toMatchObject({ login: false, user: "ops" });
    const ops = await open(http, "/console/mq", { ...own(http), cookie }, HELLO, STATS);
    expect(ops.answers).toEqual([String(Op.HELLO), "NO_TOPIC"]);
    const few = await logIn(http, "few");
    expect((await open(http, "/console/mq", { ...own(http), cookie: few }, HELLO, STATS)).answers).toEqual([
      String(Op.HELLO),
      "FORBIDDEN",
    ]);
    // What HELLO shows counts alone.
    const shown = frame(Op.HELLO, 1, [1, "page", tokenOf("few")]);
    expect((await open(http, "/console/mq", { ...own(http), cookie }, shown, STATS)).answers[1]).toBe("FORBIDDEN");
    const wrong = frame(Op.HELLO, 1, [1, "page", "wrong"]);
    expect((await open(http, "/console/mq", { ...own(http), cookie }, wrong)).answers).toEqual(["UNAUTHORIZED"]);
    expect((await open(http, "/console/mq", own(http), HELLO)).answers).toEqual(["UNAUTHORIZED"]);
    // The cookie opens nothing else.
    for (const path of [
      "/pop?topic=x",
      "/metrics",
      "/connections",
      "/getAllTopicStat",
      "/explain?topic=x",
      "/nothing",
    ]) {
      expect([path, (await ask(http, "GET", path, { cookie })).status]).toEqual([path, 401]);
    }
    expect((await open(http, "/mq", { ...own(http), cookie }, HELLO)).answers).toEqual(["UNAUTHORIZED"]);
    expect((await open(http, "/sub?topic=x", { ...own(http), cookie })).status).toBe(401);
    const native = await NativeClient.open(tcp);
    native.send(frame(Op.HELLO, 1, [1, "x", cookie.split("=")[1]]));
    expect((await native.next()).op).toBe(Answer.ERROR);
    // Nor does it to whoever has made it up, cut it, or has several.
    const value = cookie.slice(cookie.indexOf("=") + 1);
    const name = `ringmq-${http}`;
    const forged = [
      `${name}=${"A".repeat(43)}`,
      `${name}=${value.slice(1)}`,
      `${name}=${value}x`,
      `${name}=${"A".repeat(8_000)}`,
      `${name}="${value}"`,
      `${name}=${hashOf(value)}`,
      `ringmq=${value}`,
      `${cookie}; ${few}`,
      `${few}; ${cookie}`,
    ];
    for (const each of forged)
      expect([each, await session(http, { cookie: each })]).toMatchObject([each, { login: true }]);
  });

  it("refuses what is no login", async () => {
    const { http } = await broker({ users: USERS });
    const refused = async (got: Promise<Got>): Promise<unknown> => {
      const { status, headers, bytes } = await got;
      expect(headers["set-cookie"]).toBeUndefined();
      const { error } = JSON.parse(bytes.toString()) as { error: { code: string } };
      return [status, error.code];
    };
    expect(await refused(post(http, "wrong"))).toEqual([401, "UNAUTHORIZED"]);
    expect(await refused(post(http, ""))).toEqual([401, "UNAUTHORIZED"]);
    expect(await refused(post(http, hashOf(tokenOf("ops"))))).toEqual([401, "UNAUTHORIZED"]);
    expect(await refused(post(http, "x".repeat(8_100)))).toEqual([401, "UNAUTHORIZED"]);
    expect(await refused(post(http, "x".repeat(8_192)))).toEqual([413, "BAD_BODY"]);
    for (const body of [{}, 7, "[]", "null", "{", '{"token":7}', '{"token":null}']) {
      expect(await refused(ask(http, "POST", "/console/session", { ...JSON_TYPE }, String(body)))).toEqual([
        400,
        "BAD_BODY",
      ]);
    }
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""]) {
      expect(await refused(post(http, tokenOf("ops"), { "content-type": type }))).toEqual([415, "BAD_CONTENT_TYPE"]);
    }
    expect((await ask(http, "PUT", "/console/session")).status).toBe(405);
  });

  it("ends a login with its token, with the next one, and when its user logs out, and its connections too", async () => {
    const { http, broker: running } = await broker({ users: USERS });
    const first = await logIn(http, "ops");
    const second = await logIn(http, "ops", { cookie: first });
    expect(second).not.toBe(first);
    expect(await session(http, { cookie: first })).toMatchObject({ login: true });
    const connection = await open(http, "/console/mq", { ...own(http), cookie: second }, HELLO);
    expect(connection.answers).toEqual([String(Op.HELLO)]);
    const out = await ask(http, "DELETE", "/console/session", { ...own(http), cookie: second });
    expect([out.status, out.headers["set-cookie"]]).toEqual([
      204,
      [`ringmq-${http}=; Max-Age=0; Path=/console/; HttpOnly; SameSite=Strict`],
    ]);
    expect(await session(http, { cookie: second })).toMatchObject({ login: true });
    await connection.closed();
    expect(connection.answers.at(-1)).toBe("UNAUTHORIZED");
    const third = await logIn(http, "ops");
    const stays = await logIn(http, "few");
    const withdrawn = await open(http, "/console/mq", { ...own(http), cookie: third }, HELLO);
    const going = await open(http, "/console/mq", { ...own(http), cookie: stays }, HELLO);
    running.reload({ users: USERS.filter(({ name }) => name !== "ops") });
    await withdrawn.closed();
    expect(withdrawn.answers.at(-1)).toBe("UNAUTHORIZED");
    expect(await session(http, { cookie: third })).toMatchObject({ login: true });
    expect(await session(http, { cookie: stays })).toMatchObject({ user: "few" });
    // The same user with the same token is another one.
    running.reload({ users: USERS });
    expect(await session(http, { cookie: third })).toMatchObject({ login: true });
    expect(going.socket.readyState).toBe(WebSocket.OPEN);
    going.socket.terminate();
  });

  it("marks the cookie for TLS alone where the browser speaks TLS to something before the broker", async () => {
    const { http } = await broker({ users: USERS, allowHost: ["broker.example"] });
    const got = await post(http, tokenOf("ops"), { host: "broker.example", origin: "https://broker.example" });
    expect(got.headers["set-cookie"]?.[0]).toMatch(
      /^ringmq=[\w-]{43}; Path=\/console\/; HttpOnly; SameSite=Strict; Secure$/,
    );
  });

  it("is not there where it is switched off", async () => {
    const { http } = await broker({ console: false });
    const key = { ...UPGRADE, "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==" };
    for (const path of ["/console", "/console/", "/console/session", "/console/mq"]) {
      expect((await ask(http, "GET", path, key)).status).toBe(404);
    }
  });
});
