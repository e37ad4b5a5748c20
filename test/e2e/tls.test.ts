/** TLS on both ports, through the real client: who is let in, who is not, and what is said to them. */
import { once } from "node:events";
import { connect as connectTls } from "node:tls";
import { describe, expect, it } from "vitest";
import { Op } from "../../src/protocol/op.js";
import { writeAuthority, writeCertificate } from "../certificates.js";
import { ENGINE_NAMES } from "../http-engine.js";
import { frame } from "../main/frames.js";
import { testBroker, testDirectory } from "./brokers.js";
import {
  authority,
  client,
  exchangeMessage,
  failure,
  foreign,
  opened,
  other,
  recorded,
  secured,
  server,
  until,
} from "./tls-brokers.js";

describe("the client", () => {
  it("publishes and pops over tls", async () => {
    const { tcp } = await secured();
    await exchangeMessage(await opened(`tls://localhost:${tcp}`, { tls: { ca: authority.cert } }));
    await exchangeMessage(await opened(`tls://127.0.0.1:${tcp}`, { tls: { ca: [Buffer.from(authority.cert)] } }));
  });

  it.each(ENGINE_NAMES)("publishes and pops over wss on the engine %s", async (httpEngine) => {
    const { http } = await secured({ httpEngine });
    await exchangeMessage(await opened(`wss://localhost:${http}`, { tls: { ca: authority.cert } }));
    await exchangeMessage(
      await opened(`wss://127.0.0.1:${http}/mq`, { tls: { ca: `${other.cert}\n${authority.cert}` } }),
    );
  });

  it("keeps a hundred thousand messages in order over tls", async () => {
    const { tcp } = await secured();
    const made = await opened(`tls://localhost:${tcp}`, { tls: { ca: authority.cert } });
    const count = 100_000;
    const receipts: Promise<unknown>[] = [];
    for (let i = 0; i < count; i++) {
      if (i % 1_000 === 0) await made.ready();
      receipts.push(made.publish("topic", String(i)));
    }
    await Promise.all(receipts);
    let next = 0;
    for await (const message of await made.consume("topic", { prefetch: 10_000 })) {
      expect(message.text()).toBe(String(next++));
      void message.ack();
      if (next === count) break;
    }
    expect(next).toBe(count);
  });
});

describe.each(["tls", "wss"] as const)("over %s", (scheme) => {
  const at = (ports: { readonly tcp: number; readonly http: number }, host = "localhost"): string =>
    `${scheme}://${host}:${scheme === "tls" ? ports.tcp : ports.http}`;

  it("a broker whose authority is not known is refused, and tls.ca is named", async () => {
    const url = at(await secured());
    const text = await failure(url);
    expect(text).toContain(`CONNECT_FAILED: TLS with ${url} failed: `);
    expect(text).toContain("give its authority's certificate as tls.ca");
    expect(await failure(url, { tls: { ca: other.cert } })).toContain("tls.ca");
  });

  it("a broker of another name is refused, and tls.serverName is named", async () => {
    const directory = testDirectory();
    const files = writeCertificate(directory, await authority.issue({ names: ["broker.example"] }));
    const ports = await testBroker({ httpEngine: "auto", tcpTls: files, httpTls: files });
    const tls = { ca: authority.cert };
    for (const host of ["localhost", "127.0.0.1"]) {
      expect(await failure(at(ports, host), { tls })).toMatch(
        /^CONNECT_FAILED: .* does not match .*[^:]: connect by a name .* as tls\.serverName$/,
      );
      await opened(at(ports, host), { tls: { ...tls, serverName: "broker.example" } });
    }
  });

  it("a certificate that has expired is refused", async () => {
    const directory = testDirectory();
    const { log, lines } = recorded();
    const files = writeCertificate(directory, await authority.issue({ validTo: new Date(Date.now() - 60_000) }));
    const ports = await testBroker({ httpEngine: "auto", tcpTls: files, httpTls: files, log });
    expect(lines.filter(({ level }) => level === "warn").map(({ text }) => text)).toEqual([
      "the certificate of the TCP port has expired",
      "the certificate of the HTTP port has expired",
    ]);
    expect(await failure(at(ports), { tls: { ca: authority.cert } })).toContain("needs a new certificate");
  });

  it("a broker that asks for certificates lets in its authority's clients and nobody else", async () => {
    const ports = await secured({}, true);
    const ca = authority.cert;
    await exchangeMessage(await opened(at(ports), { tls: { ca, ...client } }));
    expect(await failure(at(ports), { tls: { ca } })).toMatch(/^CONNECT_FAILED: .*tls\.cert/);
    expect(await failure(at(ports), { tls: { ca, ...foreign } })).toMatch(/^CONNECT_FAILED: .*tls\.cert/);
    // A session of a client that was let in is no ticket for one that has no certificate.
    await exchangeMessage(await opened(at(ports), { tls: { ca, ...client } }));
    expect(ports.broker.usage.connections).toBeLessThanOrEqual(2);
  });

  it("connections stay when the certificate is replaced, and new ones are shown the new one", async () => {
    const { log, lines } = recorded();
    const ports = await secured({ log });
    const before = await opened(at(ports), { tls: { ca: authority.cert } });
    writeCertificate(ports.directory, await other.issue({ commonName: "renewed" }));
    ports.broker.reload();
    expect(lines.filter(({ fields }) => fields["subject"] === "CN=renewed")).toHaveLength(2);
    await exchangeMessage(before);
    await exchangeMessage(await opened(at(ports), { tls: { ca: other.cert } }));
    expect(await failure(at(ports), { tls: { ca: authority.cert } })).toContain("tls.ca");
  });

  it("a file that cannot be used changes nothing", async () => {
    const ports = await secured();
    const { key } = await authority.issue();
    writeCertificate(ports.directory, { cert: server.cert, key });
    expect(() => ports.broker.reload()).toThrow(/Tls\.keyFile must be the key of the certificate in /);
    writeCertificate(ports.directory, { cert: "rubbish", key });
    expect(() => ports.broker.reload()).toThrow(/Tls\.certFile must be a certificate in PEM/);
    await exchangeMessage(await opened(at(ports), { tls: { ca: authority.cert } }));
  });

  it("a file of authorities of which half is written changes nothing", async () => {
    const { directory, broker } = await secured({}, true);
    const both = `${authority.cert.trim()}\n${other.cert}`;
    writeAuthority(directory, { cert: both });
    broker.reload();
    writeAuthority(directory, { cert: both.slice(0, -80) });
    expect(() => broker.reload()).toThrow(/Tls\.clientCaFile must be a certificate in PEM/);
  });
});

describe.each(["TLSv1.2", "TLSv1.3"] as const)("a session of %s", (version) => {
  /** Whether the broker answers a client, and a session of it to come back with. */
  const visit = (port: number, options: object) =>
    new Promise<{ readonly answered: boolean; readonly reused: boolean; readonly session: Buffer | undefined }>(
      (resolve) => {
        const more = { minVersion: version, maxVersion: version } as const;
        const socket = connectTls({ host: "127.0.0.1", port, ca: authority.cert, ...more, ...options });
        let session: Buffer | undefined;
        let answered = false;
        let reused = false;
        socket.on("error", () => {});
        socket.on("session", (given: Buffer) => {
          session = given;
        });
        socket.once("secureConnect", () => {
          reused = socket.isSessionReused();
          socket.write(frame(Op.HELLO, 1, [1, "test"]));
        });
        socket.once("data", () => {
          answered = true;
          socket.end();
        });
        socket.once("close", () => resolve({ answered, reused, session }));
      },
    );

  it("lets nobody in whom the authority that the broker has now has not signed", async () => {
    const { directory, tcp, broker } = await secured({}, true);
    const first = await visit(tcp, client);
    expect(first).toMatchObject({ answered: true, session: expect.any(Buffer) });
    const { session } = first;
    expect(await visit(tcp, { ...client, session })).toMatchObject({ answered: true, reused: true });
    writeAuthority(directory, other);
    broker.reload();
    expect(await visit(tcp, { ...client, session })).toMatchObject({ answered: false, reused: false });
    expect(await visit(tcp, { session })).toMatchObject({ answered: false });
    expect(await visit(tcp, foreign)).toMatchObject({ answered: true });
  });
});

describe("who speaks the wrong protocol is told", () => {
  it("a plain client on a TLS port, and once in the log", async () => {
    const { log, lines } = recorded();
    // uWebSockets.js does not tell.
    const { tcp, http } = await secured({ log, httpEngine: "node" });
    expect(await failure(`tcp://127.0.0.1:${tcp}`)).toContain(`with TLS it takes tls://127.0.0.1:${tcp}`);
    expect(await failure(`tcp://127.0.0.1:${tcp}`)).toMatch(/^CONNECT_FAILED: /);
    expect(await failure(`ws://127.0.0.1:${http}`)).toContain(`wss://127.0.0.1:${http}`);
    const warnings = lines.filter(({ level }) => level === "warn").map(({ text }) => text);
    expect(warnings).toEqual([
      "a client speaks plain text on the TCP port, which speaks TLS: it must connect by tls://, not tcp://",
      "a client speaks plain HTTP on the HTTP port, which speaks TLS: it must use https:// or wss://",
    ]);
  });

  it("a TLS client on a plain port", async () => {
    const { log, lines } = recorded();
    const { tcp, http } = await testBroker({ log, httpEngine: "node" });
    const tls = { ca: authority.cert };
    expect(await failure(`tls://127.0.0.1:${tcp}`, { tls })).toContain(
      `it does not speak TLS; try tcp://127.0.0.1:${tcp}`,
    );
    expect(await failure(`wss://127.0.0.1:${http}`, { tls })).toContain(
      `it does not speak TLS; try ws://127.0.0.1:${http}`,
    );
    expect(lines.filter(({ level }) => level === "warn").map(({ text }) => text)).toEqual([
      "a client speaks TLS on the TCP port, which does not: it must connect by tcp://, or the broker needs a certificate",
      "a client speaks TLS on the HTTP port, which does not: it must use http:// or ws://, or the broker needs a certificate",
    ]);
  });

  it("one that speaks no TLS at all costs a line of debug", async () => {
    const { log, lines } = recorded();
    const { tcp } = await secured({ log });
    const socket = connectTls({
      host: "127.0.0.1",
      port: tcp,
      rejectUnauthorized: false,
      maxVersion: "TLSv1.1",
      minVersion: "TLSv1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    await once(socket, "error");
    await until(() => lines.some(({ level, text }) => level === "debug" && text === "a TLS handshake failed"));
  });
});
