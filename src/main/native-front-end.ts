/** The native protocol on the TCP port. */
import type { Socket } from "node:net";
import type { ConnectionHost } from "./connection-host.js";
import type { FrontEnd } from "./front-end.js";
import { TcpTransport } from "./tcp-transport.js";

/** Of the length of a HELLO, which is shorter than 16 MiB. */
const FIRST_BYTE = 0x00;

const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

export const nativeFrontEnd = (host: ConnectionHost): FrontEnd => ({
  name: "native",
  recognizes: (bytes) => (bytes.length === 0 ? undefined : bytes[0] === FIRST_BYTE),
  accept: (socket: Socket, first: Buffer) => {
    const connection = host.open(new TcpTransport(socket));
    socket.on("data", (bytes: Buffer) => connection.receive(bytes, viewOf(bytes), 0, bytes.length));
    socket.on("drain", () => connection.drained());
    socket.on("close", () => connection.closed());
    connection.receive(first, viewOf(first), 0, first.length);
  },
});
