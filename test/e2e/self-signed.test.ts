/** Brokers that make their certificate: who can check it, what a restart keeps, and how a broker that runs renews it. */
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type PeerCertificate } from "node:tls";
import { afterEach, expect, it, vi } from "vitest";
import { ENGINE_NAMES } from "../http-engine.js";
import { testBroker, testDirectory } from "./brokers.js";
import { exchangeMessage, opened, recorded, until } from "./tls-brokers.js";

const DAY = 24 * 3_600_000;
const SELF_SIGNED = { tcpTls: "self-signed", httpTls: "self-signed" } as const;

afterEach(() => void vi.useRealTimers());

/** What a port shows to a client that takes anything. */
const shown = async (port: number): Promise<PeerCertificate> => {
  const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const certificate = socket.getPeerCertificate();
  socket.destroy();
  return certificate;
};

it("it is checked by the file for clients, on both ports, and is the same after a restart", async () => {
  const data = join(testDirectory(), "data");
  const first = await testBroker({ ...SELF_SIGNED, data });
  const ca = readFileSync(join(data, "certificate.pem"), "utf8");
  for (const url of [`tls://localhost:${first.tcp}`, `wss://127.0.0.1:${first.http}`]) {
    const client = await opened(url, { tls: { ca } });
    await exchangeMessage(client);
    await client.close();
    await expect(opened(url, {})).rejects.toMatchObject({ code: "CONNECT_FAILED" });
  }
  expect(new X509Certificate(ca).checkHost(hostname())).toBe(hostname());
  expect(statSync(join(data, "self-signed.pem")).mode & 0o777).toBe(0o600);
  await first.broker.close();

  const again = await testBroker({ ...SELF_SIGNED, data });
  expect(readFileSync(join(data, "certificate.pem"), "utf8")).toBe(ca);
  await (await opened(`wss://localhost:${again.http}`, { tls: { ca } })).ping();
  await again.broker.close();

  const { log, lines } = recorded();
  writeFileSync(join(data, "self-signed.pem"), "rubbish");
  const third = await testBroker({ ...SELF_SIGNED, data, log });
  expect(lines.map(({ text }) => text)).toContain("a certificate was made: the one in the data directory is damaged");
  const next = readFileSync(join(data, "certificate.pem"), "utf8");
  await (await opened(`wss://localhost:${third.http}`, { tls: { ca: next } })).ping();
});

it.each(ENGINE_NAMES)(
  "it is renewed under open connections, with the same key, by an engine that goes on: %s",
  async (httpEngine) => {
    const { log, lines } = recorded();
    const data = join(testDirectory(), "data");
    const { broker, tcp, http } = await testBroker({ ...SELF_SIGNED, data, httpEngine, log });
    const ca = readFileSync(join(data, "certificate.pem"), "utf8");
    const before = await opened(`wss://localhost:${http}`, { tls: { ca } });
    const old = await shown(http);
    for (let times = 1; times <= 2; times++) {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + times * 340 * DAY });
      broker.reload();
      await until(() => lines.filter(({ text }) => text === "the HTTP port speaks TLS").length > times);
      vi.useRealTimers();
      const [overTcp, overHttp] = [await shown(tcp), await shown(http)];
      expect(overTcp.serialNumber).toBe(overHttp.serialNumber);
      expect(overHttp.serialNumber).not.toBe(old.serialNumber);
      expect(overHttp.pubkey).toEqual(old.pubkey);
      await before.ping();
    }
    await before.close();
    await until(() => broker.usage.sockets === 0);
  },
);

it("it is in memory where there is no data directory", async () => {
  const { tcp, http } = await testBroker({ ...SELF_SIGNED, durability: "memory" });
  const { raw } = await shown(tcp);
  expect((await shown(http)).raw).toEqual(raw);
  const ca = new X509Certificate(raw).toString();
  await (await opened(`wss://localhost:${http}`, { tls: { ca } })).ping();
});
