/**
 * The texts of CONNECT_FAILED. Each cause is real, over each transport.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ConnectOptions } from "../../../src/client/arguments/options.js";
import { RingmqError } from "../../../src/client/base/error.js";
import { connect } from "../../../src/client/connect.js";
import { makeDirectory, removeDirectory } from "../../directories.js";

const failure = async (address: string, options?: ConnectOptions): Promise<RingmqError> => {
  const error: unknown = await connect(address, options).catch((reason: unknown) => reason);
  if (!(error instanceof RingmqError)) throw new Error(`it did not fail as it should: ${String(error)}`);
  expect([error.code, error.retryable]).toEqual(["CONNECT_FAILED", true]);
  return error;
};

/** Listens on any port until the test ends. */
const listening = async (server: Server): Promise<number> => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket.on("error", () => {})));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
};

describe.each(["tcp", "ws"])("a connection over %s", (scheme) => {
  it("to a port where nobody listens says so, with host and port", async () => {
    const port = await freePort();
    const { message, cause } = await failure(`${scheme}://127.0.0.1:${port}`);
    expect(message).toBe(
      `nothing listens on 127.0.0.1:${port}: is a broker running there? Start one with ringmq serve`,
    );
    expect(cause).toMatchObject({ code: "ECONNREFUSED" });
  });

  it("to several addresses of a host says so once", async () => {
    const port = await freePort();
    const { message } = await failure(`${scheme}://localhost:${port}`);
    expect(message).toMatch(new RegExp(`^nothing listens on localhost:${port}: [^:]* Start one with ringmq serve$`));
  });

  it("to a host that does not exist names it", async () => {
    // Without a name server nobody knows whether the host exists.
    expect((await failure(`${scheme}://nowhere.invalid:9503`)).message).toMatch(
      /^(?:there is no host nowhere\.invalid, for|the name of host nowhere\.invalid, for) nowhere\.invalid:9503/,
    );
  });

  it("that is not answered in time says for how long it was waited", async () => {
    const port = await listening(createServer());
    expect((await failure(`${scheme}://127.0.0.1:${port}`, { connectTimeout: 30 })).message).toBe(
      `no answer from ${scheme}://127.0.0.1:${port} within 30 ms`,
    );
  });

  it("that is closed at once says what to look at", async () => {
    const port = await listening(createServer((socket) => socket.end()));
    expect((await failure(`${scheme}://127.0.0.1:${port}`)).message).toMatch(
      scheme === "tcp"
        ? `tcp://127.0.0.1:${port} closed the connection at once: is that a broker's TCP port?`
        : `127.0.0.1:${port} closed the connection at once`,
    );
  });
});

describe("a connection to something else than a broker", () => {
  it("over TCP to an HTTP server says so", async () => {
    const port = await listening(createHttpServer((_, response) => response.end()));
    expect((await failure(`tcp://127.0.0.1:${port}`)).message).toBe(
      `tcp://127.0.0.1:${port} answers in HTTP: a broker's HTTP port takes ws://127.0.0.1:${port}/mq, ` +
        "and tcp:// its native port",
    );
  });

  it("over TCP tells what it says, on one line", async () => {
    const port = await listening(createServer((socket) => socket.write("SSH-2.0-x\r\nmore\0")));
    expect((await failure(`tcp://127.0.0.1:${port}`)).message).toBe(
      `what listens on tcp://127.0.0.1:${port} is no broker: it says "SSH-2.0-x"`,
    );
  });

  it.each([
    [403, "HTTP 403: it does not take this Origin or Host"],
    [404, "HTTP 404: a broker's path is /mq"],
    [500, "HTTP 500: is that a broker's HTTP port?"],
  ])("over WebSocket tells the status: %d", async (status, text) => {
    const server = createHttpServer();
    server.on("upgrade", (_, socket) => socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`));
    const port = await listening(server);
    const { message } = await failure(`ws://127.0.0.1:${port}/elsewhere`);
    expect(message).toContain(text);
    expect(message).toContain("/elsewhere");
  });

  it("over WebSocket to something that does not speak HTTP says so", async () => {
    const port = await listening(createServer((socket) => socket.end("SSH-2.0-x\r\n")));
    expect((await failure(`ws://127.0.0.1:${port}`)).message).toContain("does not answer in HTTP");
  });

  it("over TLS where there is none says so", async () => {
    const port = await listening(createHttpServer());
    expect((await failure(`wss://127.0.0.1:${port}`)).message).toContain(`TLS with wss://127.0.0.1:${port} failed`);
  });

  it("over TLS with a certificate that nobody vouches for says so", async () => {
    const directory = makeDirectory();
    onTestFinished(() => removeDirectory(directory));
    const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
    const flags = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"];
    execFileSync("openssl", ["req", "-x509", ...flags, "-keyout", key, "-out", cert], { stdio: "ignore" });
    const port = await listening(createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }));
    const { message } = await failure(`wss://127.0.0.1:${port}`);
    expect(message).toMatch(/TLS with wss:.* failed: .*self.signed/);
  });
});

describe("a connection that is given up", () => {
  it("leaves no open socket behind, though the signal comes with the connection", async () => {
    const server = createServer();
    const port = await listening(server);
    const abort = new AbortController();
    const accepted = once(server, "connection") as Promise<[Socket]>;
    const refused = connect(`tcp://127.0.0.1:${port}`, { signal: abort.signal }).catch((reason: unknown) => reason);
    const [socket] = await accepted;
    abort.abort("enough");
    expect(await refused).toMatchObject({ code: "ABORTED", cause: "enough" });
    socket.resume();
    if (!socket.closed) await once(socket, "close");
  });
});
