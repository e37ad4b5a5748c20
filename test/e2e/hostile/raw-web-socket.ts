/** A WebSocket by hand, for what no WebSocket library sends. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

const FINAL_BINARY = 0x82;
const MASKED = 0x80;
const LONG = 127;

/** The upgrade is done; what the broker sends is not read unless the caller does. Error: it was refused. */
export const rawWebSocket = async (port: number, host = "127.0.0.1"): Promise<Socket> => {
  const socket = connect({ port, host: "127.0.0.1", localAddress: host });
  await once(socket, "connect");
  socket.on("error", () => {});
  socket.write(
    `GET /mq HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
  );
  const [answer] = (await Promise.race([once(socket, "data"), once(socket, "close").then(() => [""])])) as [Buffer];
  if (!answer.toString("latin1").startsWith("HTTP/1.1 101")) throw new Error(`no upgrade: ${String(answer)}`);
  socket.pause();
  return socket;
};

/** The head of a binary message of so many bytes, masked with zeros. */
export const messageHead = (length: number): Buffer => {
  const head = Buffer.alloc(14);
  head[0] = FINAL_BINARY;
  head[1] = MASKED | LONG;
  head.writeUInt32BE(length, 6);
  return head;
};

/** A whole binary message. */
export const message = (bytes: Uint8Array): Buffer => Buffer.concat([messageHead(bytes.length), bytes]);
