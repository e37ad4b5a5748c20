/** TLS on the TCP port: handshakes that go slowly or nowhere, ends, back-pressure; and files that cannot be used. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectPlain, createServer } from "node:net";
import { connect as connectTls } from "node:tls";
import { describe, expect, it, onTestFinished } from "vitest";
import { SILENT } from "../../src/main/log.js";
import type { BrokerOptions } from "../../src/main/options.js";
import { Op } from "../../src/protocol/op.js";
import { writeAuthority, writeCertificate } from "../certificates.js";
import { entries, frame } from "../main/frames.js";
import { resp } from "../main/front-ends/resp.js";
import { testBroker, testDirectory } from "./brokers.js";
import { NativeClient } from "./native-client.js";
import { authority, client, dial, exchangeMessage, failure, opened, secured, server, until } from "./tls-brokers.js";

const LOCAL = { host: "127.0.0.1", port: 0 };

describe("handshakes on the TCP port", () => {
  /** A ClientHello as node sends it. */
  const clientHello = async (): Promise<Buffer> => {
    const listener = createServer().listen(0, "127.0.0.1");
    await once(listener, "listening");
    const address = listener.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const socket = connectTls({ host: "127.0.0.1", port: address.port });
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
    const closed = Promise.all(slow.map((socket) => new Promise((resolve) => socket.once("close", resolve))));
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

  it.each(["tcp", "http"] as const)("that a client begins again and again end its connection: %s", async (name) => {
    const ports = await secured();
    const options = { host: "127.0.0.1", port: ports[name], ca: authority.cert, maxVersion: "TLSv1.2" } as const;
    const socket = connectTls(options).on("error", () => {});
    await once(socket, "secureConnect");
    const again = (): void => {
      if (!socket.destroyed) socket.renegotiate({}, again);
    };
    again();
    await new Promise((resolve) => socket.once("close", resolve));
  });

  it("end with the reason when the broker has its maximum of connections", async () => {
    const { tcp } = await secured({ maxConnections: 1 });
    const tls = { ca: authority.cert };
    await opened(`tls://localhost:${tcp}`, { tls });
    expect(await failure(`tls://localhost:${tcp}`, { tls })).toMatch(/^TOO_MANY_CONNECTIONS: /);
  });
});

describe("a client of a front end over TLS", () => {
  const command = (...words: readonly string[]): string =>
    `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;

  it("that ends its side gets the answers to all that it has said", async () => {
    const directory = testDirectory();
    const files = writeCertificate(directory, server);
    const { tcp } = await testBroker({ tcpTls: files }, { frontEnds: [resp] });
    const socket = await dial(tcp);
    let text = "";
    socket.on("data", (bytes: Buffer) => {
      text += bytes.toString();
    });
    socket.end(command("LPUSH", "topic", "x") + command("RPOP", "topic") + command("RPOP", "topic"));
    await once(socket, "close");
    expect(text).toBe(":1\r\n$1\r\nx\r\n$-1\r\n");
  });

  it("may say it a byte at a time", async () => {
    const directory = testDirectory();
    const { tcp } = await testBroker({ tcpTls: writeCertificate(directory, server) }, { frontEnds: [resp] });
    const socket = await dial(tcp);
    const said = command("LPUSH", "topic", "x");
    for (const byte of said) {
      await new Promise((resolve) => socket.write(byte, resolve));
    }
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toBe(":1\r\n");
    socket.destroy();
  });
});

describe("a native connection over TLS", () => {
  it("carries out what its client writes in front of its end", async () => {
    const { tcp } = await secured();
    const made = await NativeClient.open(tcp, dial);
    made.socket.end(Buffer.concat([frame(Op.HELLO, 1, [1, "test"]), frame(Op.PUBLISH, 2, ["topic"], entries("x"))]));
    await made.closed;
    const after = await opened(`tls://localhost:${tcp}`, { tls: { ca: authority.cert } });
    expect((await after.pop("topic", { wait: 5_000 })).map((message) => message.text())).toEqual(["x"]);
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
