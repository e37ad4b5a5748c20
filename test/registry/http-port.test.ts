/** The HTTP port of a registry: its paths, what a request and a connection may cost, and HTTPS. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { connect as connectTls } from "node:tls";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { deferred } from "../../src/client/base/deferred.js";
import { startRegistry } from "../../src/registry/server/index.js";
import { sendRaw } from "../e2e/raw-http.js";
import { ask, idsOf, listen, openNode, registration, SUCCESS, serveHttp, testRegistry, urlOf } from "./nodes.js";

const fixture = (name: string): Buffer =>
  readFileSync(fileURLToPath(new URL(`../conformance/fixtures/localhost-${name}.pem`, import.meta.url)));
const TLS = { cert: fixture("certificate"), key: fixture("key") };

/** A certificate that is made now. */
const otherCertificate = (): { readonly cert: string; readonly key: string } => {
  const made = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost"];
  const text = execFileSync("openssl", ["req", ...made, "-keyout", "-"], { encoding: "utf8", stdio: "pipe" });
  return { cert: text, key: text };
};

describe("HTTP", () => {
  it("/ping is plain text; what is no path is not found", async () => {
    const registry = await testRegistry();
    const ping = await fetch(`${urlOf(registry)}/ping`);
    expect([ping.status, await ping.text()]).toEqual([200, "OK"]);
    const other = await fetch(`${urlOf(registry)}/getNodes/`);
    expect([other.status, await other.text()]).toEqual([404, "not found"]);
  });

  it("takes parameters from the query whatever the method, and HEAD changes nothing", async () => {
    const registry = await testRegistry();
    const node = await openNode(1);
    expect((await fetch(urlOf(registry) + registration(node), { method: "HEAD" })).status).toBe(200);
    expect(await idsOf(registry)).toEqual([]);
    const posted = await fetch(urlOf(registry) + registration(node), { method: "POST", body: "x=1" });
    expect(await posted.text()).toBe(SUCCESS);
  });

  it("bounds heads and bodies", async () => {
    const registry = await testRegistry();
    const { port } = registry.address;
    const long = `GET /getNodes?x=${"x".repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    expect(await sendRaw(port, long)).toMatch(/^HTTP\/1\.1 431 /);
    // A body that has no end: the connection is closed.
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.write(`POST /getNodes HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${2 ** 40}\r\n\r\n`);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const part = Buffer.alloc(16_384);
    const send = (): void => {
      while (!socket.destroyed && socket.write(part));
    };
    socket.on("drain", send).resume();
    send();
    await closed;
    expect(await idsOf(registry)).toEqual([]);
  });

  it("cuts off who sends requests without waiting for answers", async () => {
    const registry = await testRegistry();
    const { port } = registry.address;
    const last = "GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    const answersTo = async (count: number): Promise<number> => {
      const requests = "GET /getNodes HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(count - 1) + last;
      return (await sendRaw(port, requests)).split("HTTP/1.1 200 ").length - 1;
    };
    expect(await answersTo(16)).toBe(16);
    expect(await answersTo(1000)).toBeLessThanOrEqual(16);
    expect(await idsOf(registry)).toEqual([]);
  });

  it("closes a connection on which nothing moves, also while it owes an answer", async () => {
    const registry = await testRegistry({ idleTimeout: 20, pingTimeout: 60_000 });
    const mute = createServer();
    onTestFinished(() => void mute.close());
    const httpAddress = `127.0.0.1:${await listen(mute)}`;
    const path = registration({ ...(await openNode(1)), httpAddress });
    expect(await sendRaw(registry.address.port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)).toBe("");
  });

  it("gives a handshake of TLS no more time for going on slowly", async () => {
    const registry = await testRegistry({ tls: TLS, requestTimeout: 200 });
    const socket = connect(registry.address.port, "127.0.0.1");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {}).resume();
    await once(socket, "connect");
    // The head of a record of 4,096 bytes, which then come one at a time.
    socket.write(Buffer.from([0x16, 0x03, 0x01, 0x10, 0x00, 0x01]));
    const drip = setInterval(() => socket.write(Buffer.alloc(1)), 10);
    await closed;
    clearInterval(drip);
    expect(await idsOf(await testRegistry())).toEqual([]);
  });

  it("serves HTTPS when it has a certificate", async () => {
    const registry = await testRegistry({ tls: TLS });
    const text = await new Promise<string>((resolve, reject) => {
      import("node:https").then(({ get }) => {
        const url = `https://127.0.0.1:${registry.address.port}/ping`;
        get(url, { rejectUnauthorized: false, agent: false }, (answer) => {
          answer.on("data", (bytes: Buffer) => resolve(bytes.toString()));
        }).on("error", reject);
      }, reject);
    });
    expect(text).toBe("OK");
  });

  it("serves HTTPS with another certificate when it is told to", async () => {
    const registry = await testRegistry({ tls: TLS });
    const serial = async (): Promise<string> => {
      const socket = connectTls({ host: "127.0.0.1", port: registry.address.port, rejectUnauthorized: false });
      await once(socket, "secureConnect");
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber;
    };
    const before = await serial();
    expect(() => registry.renewCertificate({ cert: "none", key: "none" })).toThrow();
    expect(await serial()).toBe(before);
    registry.renewCertificate(otherCertificate());
    expect(await serial()).not.toBe(before);
    const plain = await testRegistry();
    expect(() => plain.renewCertificate(TLS)).toThrow("the registry serves HTTP, without a certificate");
  });

  it("says that an address is taken", async () => {
    const registry = await testRegistry();
    const { port } = registry.address;
    await expect(startRegistry({ http: { host: "127.0.0.1", port } })).rejects.toThrow("the port is in use");
  });

  it("closes as soon as the last request is answered, though its client keeps the connection", async () => {
    const registry = await testRegistry({ closeTimeout: 1_000_000 });
    const asked = deferred<() => void>();
    const httpAddress = await serveHttp((_, response) => asked.resolve(() => response.end("OK")));
    const answer = ask(registry, registration({ ...(await openNode(1)), httpAddress }));
    const goOn = await asked.promise;
    const closed = registry.close();
    goOn();
    expect(await answer).toBe(SUCCESS);
    await closed;
  });

  it("closes while a client stays connected and another is in the middle of a request", async () => {
    const registry = await testRegistry({ closeTimeout: 50 });
    await ask(registry, "/ping");
    const socket = connect(registry.address.port, "127.0.0.1");
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.write("GET /ping HTTP/1.1\r\n");
    const ended = once(socket, "close");
    await registry.close();
    await ended;
  });
});
