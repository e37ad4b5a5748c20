/** TLS on both ports, through the real client: who is let in, who is not, and what is said to them. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { ConnectOptions } from "../../src/client/arguments/options.js";
import type { Client } from "../../src/client/client.js";
import { type Log, SILENT } from "../../src/main/log.js";
import type { BrokerOptions } from "../../src/main/options.js";
import { Op } from "../../src/protocol/op.js";
import { Authority, type Issued, writeAuthority, writeCertificate } from "../certificates.js";
import { ENGINE_NAMES } from "../http-engine.js";
import { frame } from "../main/frames.js";
import { testBroker, testDirectory } from "./brokers.js";

const { connect } = (await import("../../dist/client/index.js" as string)) as {
  connect: (url: string, options?: ConnectOptions) => Promise<Client>;
};

const LOCAL = { host: "127.0.0.1", port: 0 };

let authority: Authority;
let server: Issued;
let client: Issued;
let foreign: Issued;
let other: Authority;

beforeAll(async () => {
  authority = await Authority.create();
  other = await Authority.create("another authority");
  server = await authority.issue({ commonName: "broker" });
  client = await authority.issue({ commonName: "client" });
  foreign = await other.issue({ commonName: "foreign client" });
});

interface Line {
  readonly level: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const recorded = (): { readonly log: Log; readonly lines: Line[] } => {
  const lines: Line[] = [];
  const at = (level: string) => (fields: object, text: string) =>
    void lines.push({ level, text, fields: fields as Line["fields"] });
  return { log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }, lines };
};

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
};

/** A broker with the certificate on both ports. */
const secured = async (options: Partial<BrokerOptions> = {}, isMutual = false) => {
  const directory = testDirectory();
  const files = writeCertificate(directory, server);
  const tls = isMutual ? { ...files, clientCaFile: writeAuthority(directory, authority) } : files;
  return { directory, ...(await testBroker({ httpEngine: "auto", tcpTls: tls, httpTls: tls, ...options })) };
};

const opened = async (url: string, options: ConnectOptions): Promise<Client> => {
  const made = await connect(url, options);
  onTestFinished(() => made.close());
  return made;
};

const failure = async (url: string, options?: ConnectOptions): Promise<string> => {
  const error: unknown = await connect(url, options).then(
    (made) => made.close().then(() => "it was let in"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error(String(error));
  const { code, message } = error as Error & { readonly code?: string };
  return `${code}: ${message}`;
};

const exchangeMessage = async (made: Client): Promise<void> => {
  const body = Uint8Array.from({ length: 300_000 }, (_, i) => i % 256);
  await made.publish("topic", body);
  const [message] = await made.pop("topic", { wait: 5_000 });
  expect(message?.body).toEqual(body);
  await message?.ack();
};

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
    ports.broker.reloadCertificates();
    expect(lines.filter(({ fields }) => fields["subject"] === "CN=renewed")).toHaveLength(2);
    await exchangeMessage(before);
    await exchangeMessage(await opened(at(ports), { tls: { ca: other.cert } }));
    expect(await failure(at(ports), { tls: { ca: authority.cert } })).toContain("tls.ca");
  });

  it("a file that cannot be used changes nothing", async () => {
    const ports = await secured();
    const { key } = await authority.issue();
    writeCertificate(ports.directory, { cert: server.cert, key });
    expect(() => ports.broker.reloadCertificates()).toThrow(/Tls\.keyFile must be the key of the certificate in /);
    writeCertificate(ports.directory, { cert: "rubbish", key });
    expect(() => ports.broker.reloadCertificates()).toThrow(/Tls\.certFile must be a certificate in PEM/);
    await exchangeMessage(await opened(at(ports), { tls: { ca: authority.cert } }));
  });
});

describe("who speaks the wrong protocol is told", () => {
  it("a plain client on a TLS port, and once in the log", async () => {
    const { log, lines } = recorded();
    const { tcp, http } = await secured({ log });
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

describe("handshakes on the TCP port", () => {
  /** A ClientHello as node sends it. */
  const clientHello = async (): Promise<Buffer> => {
    const { createServer } = await import("node:net");
    const listener = createServer().listen(0, "127.0.0.1");
    await once(listener, "listening");
    const address = listener.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const socket: TLSSocket = connectTls({ host: "127.0.0.1", port: address.port });
    socket.on("error", () => {});
    const [accepted] = await once(listener, "connection");
    const [hello] = await once(accepted, "data");
    socket.destroy();
    accepted.destroy();
    listener.close();
    return hello;
  };

  it("have the time of HELLO however slowly they go, and keep nobody out", async () => {
    const helloTimeout = 2_000;
    const ports = await secured({ helloTimeout, maxConnections: 300 });
    const hello = await clientHello();
    const begin = performance.now();
    const slow = Array.from({ length: 100 }, () => connectPlain(ports.tcp, "127.0.0.1").on("error", () => {}));
    let sent = 0;
    const drip = setInterval(() => {
      for (const socket of slow) if (!socket.destroyed) socket.write(hello.subarray(sent, sent + 1));
      sent++;
    }, 100);
    onTestFinished(() => {
      clearInterval(drip);
      for (const socket of slow) socket.destroy();
    });
    const closed = Promise.all(slow.map((socket) => once(socket, "close")));
    await until(() => ports.broker.usage.sockets === slow.length);
    await exchangeMessage(await opened(`tls://localhost:${ports.tcp}`, { tls: { ca: authority.cert } }));
    await closed;
    // They are looked for once a second.
    expect(performance.now() - begin).toBeGreaterThan(helloTimeout - 100);
    expect(performance.now() - begin).toBeLessThan(helloTimeout + 3_000);
    await until(() => ports.broker.usage.sockets === 1);
  });

  it("that are done leave as much time for HELLO as is left", async () => {
    const { tcp, broker } = await secured({ helloTimeout: 1_000, maxConnections: 1 });
    const socket = connectTls({ host: "127.0.0.1", port: tcp, ca: authority.cert });
    await once(socket, "secureConnect");
    socket.resume();
    await once(socket, "close");
    await until(() => broker.usage.sockets === 0);
  });

  it("are broken off at every byte by clients that leave, and nothing is left of them", async () => {
    const { tcp, broker } = await secured();
    const hello = await clientHello();
    await Promise.all(
      Array.from({ length: 120 }, async (_, i) => {
        const socket = connectPlain(tcp, "127.0.0.1").on("error", () => {});
        await once(socket, "connect");
        const cut = Math.floor((i * hello.length) / 119);
        socket.write(hello.subarray(0, cut));
        if (i % 2 === 0) socket.resetAndDestroy();
        else socket.destroy();
      }),
    );
    await exchangeMessage(await opened(`tls://localhost:${tcp}`, { tls: { ca: authority.cert } }));
    await until(() => broker.usage.sockets === 1);
  });

  it("end with the reason when the broker has its maximum of connections", async () => {
    const { tcp } = await secured({ maxConnections: 1 });
    const tls = { ca: authority.cert };
    await opened(`tls://localhost:${tcp}`, { tls });
    expect(await failure(`tls://localhost:${tcp}`, { tls })).toMatch(/^TOO_MANY_CONNECTIONS: /);
  });
});

describe("a native connection over TLS", () => {
  it("whose client ends its side is answered before it is closed", async () => {
    const { tcp } = await secured();
    const socket = connectTls({ host: "127.0.0.1", port: tcp, ca: authority.cert });
    await once(socket, "secureConnect");
    const parts: Buffer[] = [];
    socket.on("data", (bytes: Buffer) => parts.push(bytes));
    socket.end(Buffer.concat([frame(Op.HELLO, 1, [1, "test"]), frame(Op.PING, 2, [])]));
    await once(socket, "close");
    expect(Buffer.concat(parts).length).toBeGreaterThan(40);
  });

  it("that is not read holds its deliveries, and gets all of them when it is", async () => {
    const { tcp, broker } = await secured({ maxOutgoingBytes: 256 * 1024 });
    const tls = { ca: authority.cert };
    const producer = await opened(`tls://localhost:${tcp}`, { tls });
    const body = new Uint8Array(64 * 1024);
    const count = 400;
    await Promise.all(Array.from({ length: count }, () => producer.publish("topic", body)));
    const socket = connectTls({ host: "127.0.0.1", port: tcp, ca: authority.cert });
    await once(socket, "secureConnect");
    socket.write(frame(Op.HELLO, 1, [1, "test"]));
    await once(socket, "data");
    socket.pause();
    socket.write(frame(Op.CONSUME, 2, ["topic", "", 10_000]));
    await until(() => broker.usage.unsentBytes > 0);
    expect(broker.usage.unsentBytes).toBeLessThan(4 * 1024 * 1024);
    let received = 0;
    socket.on("data", (bytes: Buffer) => {
      received += bytes.length;
    });
    socket.resume();
    await until(() => received >= count * body.length);
    socket.destroy();
  });
});

describe("a broker does not start", () => {
  const refusal = async (options: Partial<BrokerOptions>): Promise<string> => {
    const error: unknown = await testBroker({ tcp: LOCAL, http: LOCAL, log: SILENT, ...options }).catch(
      (reason: unknown) => reason,
    );
    if (!(error instanceof RangeError)) throw new Error(`not refused as it should be: ${String(error)}`);
    return error.message;
  };

  it("with files that cannot be used, and says which and why", async () => {
    const directory = testDirectory();
    const good = writeCertificate(directory, server);
    const bad = writeCertificate(directory, { cert: "rubbish", key: "rubbish" }, "bad");
    const none = `${directory}/none.pem`;
    const begin = "tcpTls.";
    expect(await refusal({ tcpTls: { ...good, certFile: none } })).toBe(
      `${begin}certFile must be a PEM file that can be read; ${none} cannot: there is no such file`,
    );
    expect(await refusal({ tcpTls: { ...good, keyFile: directory } })).toContain("it is a directory");
    expect(await refusal({ tcpTls: { ...good, certFile: bad.certFile } })).toContain(
      "certFile must be a certificate in PEM",
    );
    expect(await refusal({ httpTls: { ...good, keyFile: bad.keyFile } })).toMatch(
      /^httpTls\.keyFile must be a private key/,
    );
    expect(await refusal({ httpTls: { ...good, clientCaFile: bad.certFile } })).toContain(
      "clientCaFile must be a certificate",
    );
    const another = writeCertificate(directory, client, "another");
    expect(await refusal({ tcpTls: { ...good, keyFile: another.keyFile } })).toBe(
      `${begin}keyFile must be the key of the certificate in ${good.certFile}; ${another.keyFile} is another`,
    );
    expect(readFileSync(good.certFile, "utf8")).toBe(server.cert);
  });

  it("with uWebSockets.js where clients need certificates", async () => {
    const directory = testDirectory();
    const files = { ...writeCertificate(directory, server), clientCaFile: writeAuthority(directory, authority) };
    expect(await refusal({ httpEngine: "uws", httpTls: files })).toMatch(/^httpEngine must be node or auto /);
  });
});
