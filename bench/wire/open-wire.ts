/**
 * Opens connections of the raw load. A failure is an exception that ends the load process: a benchmark that loses its
 * connection has no result.
 */
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import type { Address } from "./address.js";
import { Deframer, EMPTY_PONG, frameMessages, prefixBytes } from "./websocket-framing.js";
import type { Receive, Wire } from "./wire.js";

/** One buffer is used for all reads of all connections. It is large, so that a busy socket takes few calls. */
const READ_BUFFER = Buffer.allocUnsafeSlow(256 * 1024);
const READ_VIEW = new DataView(READ_BUFFER.buffer);
const MAX_UPGRADE_BYTES = 8 * 1024;

/** Reads the answer to an HTTP upgrade, and passes on what follows it. */
const afterUpgrade = (upgraded: () => void, receive: Receive): Receive => {
  let text = "";
  let done = false;
  return (bytes, view, start, end) => {
    if (done) return receive(bytes, view, start, end);
    const before = text.length;
    text += Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
    const head = text.indexOf("\r\n\r\n");
    if (head < 0) {
      if (text.length > MAX_UPGRADE_BYTES) throw new Error("the broker's answer to the upgrade does not end");
      return;
    }
    if (!text.startsWith("HTTP/1.1 101")) throw new Error(`no upgrade to WebSocket: ${text.slice(0, head)}`);
    done = true;
    upgraded();
    const rest = start + head + 4 - before;
    if (rest < end) receive(bytes, view, rest, end);
  };
};

const upgradeRequest = (address: Address, path: string): string =>
  [
    `GET ${path} HTTP/1.1`,
    `Host: ${address.host}:${address.port}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    "\r\n",
  ].join("\r\n");

const openSocket = (address: Address, receive: Receive): Promise<{ socket: Socket; end: () => void }> =>
  new Promise((resolve, reject) => {
    let connected = false;
    let ending = false;
    const socket = connect({
      host: address.host,
      port: address.port,
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback: (length) => {
          receive(READ_BUFFER, READ_VIEW, 0, length);
          return true;
        },
      },
    });
    const end = (): void => {
      ending = true;
      socket.end();
    };
    socket.once("connect", () => {
      connected = true;
      resolve({ socket, end });
    });
    socket.once("error", (error) => {
      if (!connected) reject(error);
      else if (!ending) throw error;
    });
    socket.once("close", () => {
      if (connected && !ending) throw new Error("the broker closed the connection");
    });
  });

const plain = { prefixBytes: () => 0, framed: (frame: Uint8Array) => frame };

export const openWire = async (address: Address, receive: Receive): Promise<Wire> => {
  if (address.transport === "tcp") {
    const { socket, end } = await openSocket(address, receive);
    return { ...plain, send: (bytes) => socket.write(bytes), end, token: address.token };
  }
  const { send, end } = await openWebSocket(address, "/mq", receive);
  return { prefixBytes, framed: frameMessages, send, end, token: address.token };
};

/** A WebSocket on which framed bytes are sent; what the other side's messages carry is received, wherever it is cut. */
export const openWebSocket = async (
  address: Address,
  path: string,
  receive: Receive,
): Promise<Pick<Wire, "send" | "end">> => {
  let upgraded = (): void => {};
  const upgrade = new Promise<void>((resolve) => {
    upgraded = resolve;
  });
  let pong = (): void => {};
  const deframer = new Deframer(receive, () => pong());
  const { socket, end } = await openSocket(
    address,
    afterUpgrade(upgraded, (bytes, view, start, stop) => deframer.push(bytes, view, start, stop)),
  );
  pong = () => socket.write(EMPTY_PONG);
  socket.write(upgradeRequest(address, path));
  await upgrade;
  return { send: (bytes) => socket.write(bytes), end };
};
