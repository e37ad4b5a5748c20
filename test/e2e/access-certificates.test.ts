/** Users of a broker that asks for certificates: who is let in by one, over each port, and who is not. */
import { request } from "node:https";
import { connect as connectTls } from "node:tls";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { hashOf } from "../../src/main/access/token-hash.js";
import type { UserOptions } from "../../src/main/user-options.js";
import { errorName } from "../../src/protocol/errors.js";
import { Answer, Op } from "../../src/protocol/op.js";
import type { Issued } from "../certificates.js";
import { frame, readFrame } from "../main/frames.js";
import { authority, failure, foreign, opened, secured, server } from "./tls-brokers.js";

const userOf = (name: string, certificate: string | undefined): UserOptions => ({
  name,
  certificate,
  tokens: [{ hash: hashOf(`token-of-${name}`) }],
  permissions: [{ topics: `${name}.*`, allow: ["publish", "consume", "manage"] }],
});

const USERS = [
  userOf("common", "CN=billing, EU+1"),
  userOf("dns", "DNS:billing.example"),
  userOf("address", "IP Address:192.0.2.7"),
  userOf("uri", "URI:spiffe://example/billing"),
  userOf("token", undefined),
];

const common = await authority.issue({ commonName: "billing\\, EU\\+1", names: ["x.example"] });
const dns = await authority.issue({ commonName: "nobody", names: ["other.example", "billing.example"] });
const address = await authority.issue({ commonName: "nobody", names: ["192.0.2.7"] });
const uri = await authority.issue({ commonName: "nobody", names: ["a.example", "URI:spiffe://example/billing"] });
/** Its names, put one behind the other, would be those of a user. */
const sly = await authority.issue({ commonName: "nobody", names: ["x, DNS:billing.example"] });
const slyCommon = await authority.issue({ commonName: "DNS:billing.example", names: ["CN=billing"] });
const nobody = await authority.issue({ commonName: "billing", names: ["billing.example.org"] });

const tlsOf = ({ cert, key }: Issued) => ({ ca: authority.cert, cert, key });

describe("a certificate", () => {
  it("is who its client is over TCP and WebSocket, by any of its names, unless a token is shown", async () => {
    const { tcp, http } = await secured({ users: USERS, httpEngine: "node", durability: "memory" }, true);
    for (const url of [`tls://127.0.0.1:${tcp}`, `wss://127.0.0.1:${http}/mq`]) {
      for (const [name, issued] of Object.entries({ common, dns, address, uri })) {
        const client = await opened(url, { tls: tlsOf(issued) });
        await client.publish(`${name}.a`, "x");
        await expect(client.publish("token.a", "x")).rejects.toMatchObject({ code: "FORBIDDEN" });
      }
      const byToken = await opened(url, { tls: tlsOf(common), token: "token-of-token" });
      await byToken.publish("token.a", "x");
      await expect(byToken.publish("common.a", "x")).rejects.toMatchObject({ code: "FORBIDDEN" });
      expect(await failure(url, { tls: tlsOf(common), token: "wrong", reconnect: false })).toMatch(/^UNAUTHORIZED/);
      for (const issued of [sly, slyCommon, nobody, server]) {
        expect(await failure(url, { tls: tlsOf(issued), reconnect: false })).toMatch(/^UNAUTHORIZED/);
      }
      for (const tls of [tlsOf(foreign), { ca: authority.cert }]) {
        expect(await failure(url, { tls, reconnect: false })).toMatch(/^CONNECT_FAILED/);
      }
    }
  });

  it("is who asks over HTTP, request by request", async () => {
    const { http } = await secured({ users: USERS, httpEngine: "node", durability: "memory" }, true);
    const ask = (topic: string, issued: Issued, headers = {}): Promise<number | string> =>
      new Promise((resolve) => {
        const options = { host: "127.0.0.1", port: http, path: `/pop?topic=${topic}`, headers, agent: false as const };
        const asked = request({ ...options, ...tlsOf(issued) }, (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        });
        asked.on("error", () => resolve("not let in"));
        asked.end();
      });
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    expect([
      await ask("common.a", common),
      await ask("dns.a", dns),
      await ask("dns.a", common),
      await ask("common.a", nobody),
      await ask("common.a", common, bearer("wrong")),
      await ask("common.a", common, bearer("token-of-token")),
      await ask("token.a", common, bearer("token-of-token")),
      await ask("common.a", foreign),
    ]).toEqual([200, 200, 403, 401, 401, 403, 200, "not let in"]);
  });

  it("is who looks at the console, unless a token is shown there, right or wrong, whose cookie is for TLS alone", async () => {
    const { http } = await secured({ users: USERS, httpEngine: "node", durability: "memory" }, true);
    const ask = (issued: Issued, headers = {}, body?: string): Promise<{ said: object; cookie: string | undefined }> =>
      new Promise((resolve, reject) => {
        const method = body === undefined ? "GET" : "POST";
        const options = { host: "127.0.0.1", port: http, path: "/console/session", method, agent: false as const };
        const asked = request({ ...options, headers, ...tlsOf(issued) }, (answer) => {
          const [cookie] = answer.headers["set-cookie"] ?? [];
          answer.on("data", (json: Buffer) => resolve({ said: JSON.parse(json.toString()) as object, cookie }));
        });
        asked.on("error", reject);
        asked.end(body);
      });
    const stats = (issued: Issued, headers = {}, path = "/console/mq"): Promise<string> =>
      new Promise((resolve, reject) => {
        const origin = `https://127.0.0.1:${http}`;
        const socket = new WebSocket(`wss://127.0.0.1:${http}${path}`, { headers, origin, ...tlsOf(issued) });
        socket.on("error", reject);
        socket.on("open", () => {
          for (const each of [frame(Op.HELLO, 1, [1, "page"]), frame(Op.STATS, 2, ["common.a"])]) socket.send(each);
        });
        socket.on("message", (message: Buffer) => {
          const { op, head } = readFrame(message);
          if (op !== Answer.ERROR) return;
          socket.terminate();
          resolve(String(errorName(Number(head[0]))));
        });
      });
    expect((await ask(common)).said).toMatchObject({ login: false, user: "common" });
    expect((await ask(nobody)).said).toMatchObject({ login: true, user: null });
    expect([await stats(common), await stats(dns), await stats(nobody)]).toEqual([
      "NO_TOPIC",
      "FORBIDDEN",
      "UNAUTHORIZED",
    ]);
    for (const path of ["/mq", "/console/mq"]) {
      const outcomes = ["wrong", "token-of-dns"].map((token) =>
        stats(common, { authorization: `Bearer ${token}` }, path),
      );
      expect([path, ...(await Promise.all(outcomes))]).toEqual([path, "UNAUTHORIZED", "FORBIDDEN"]);
    }
    const json = { "content-type": "application/json" };
    const { said, cookie = "" } = await ask(common, json, '{"token":"token-of-token"}');
    expect(said).toMatchObject({ login: false, user: "token" });
    expect(cookie).toMatch(/; Path=\/console\/; HttpOnly; SameSite=Strict; Secure$/);
    const shown = { cookie: cookie.split(";")[0] };
    expect((await ask(common, shown)).said).toMatchObject({ user: "token" });
    expect(await stats(common, shown)).toBe("FORBIDDEN");
  });

  it("is who speaks one of gmq's protocols; one of nobody's is the user of gmqIdentity", async () => {
    const { tcp } = await secured({ users: USERS, gmqIdentity: "token", durability: "memory" }, true);
    const pop = (topic: string, issued: Issued): Promise<string> =>
      new Promise((resolve) => {
        const socket = connectTls({ host: "127.0.0.1", port: tcp, ...tlsOf(issued) }, () => {
          socket.write(`set ${topic} 1 1 60 1\n`);
        });
        socket.once("data", (bytes) => {
          socket.destroy();
          resolve(bytes.includes("your permissions do not allow this") ? "forbidden" : "allowed");
        });
        socket.on("error", (error) => resolve(error.message));
      });
    const users = USERS.map(({ name }) => name);
    const looks = await Promise.all(
      [common, dns, nobody].map(async (issued) => {
        const answers = await Promise.all(users.map((name) => pop(`${name}.a`, issued)));
        return users.filter((_name, i) => answers[i] === "allowed");
      }),
    );
    expect(looks).toEqual([["common"], ["dns"], ["token"]]);
  });
});
