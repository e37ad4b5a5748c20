/** The native protocol on the TCP port. */
import type { Socket } from "node:net";
import type { Log } from "../log.js";
import { contain, guard } from "../native/error-boundary.js";
import type { ConnectionHost } from "./connection-host.js";
import type { Protocol } from "./front-end.js";
import { originOf } from "./origin.js";
import type { Reading } from "./read-buffer.js";
import { TcpTransport } from "./tcp-transport.js";

/** A HELLO begins with its length, which is below 16 MiB. */
const FIRST_BYTE = 0x00;

/** Of a socket that is closed there is nothing left to close. */
const ignore = (): void => {};

export const nativeProtocol = (host: ConnectionHost, log: Log): Protocol => ({
  name: "native",
  recognizes: (bytes) => (bytes.length === 0 ? undefined : bytes[0] === FIRST_BYTE),
  accept: (socket: Socket, reading: Reading, first: Buffer) => {
    const connection = host.open(new TcpTransport(socket), { origin: originOf(socket) });
    const failed = (error: unknown): void =>
      contain(log, `the connection of ${connection.peer}`, error, () => connection.destroy());
    reading.onRead = (bytes, view, length) => {
      try {
        connection.receive(bytes, view, 0, length);
      } catch (error) {
        failed(error);
      }
    };
    socket.on("drain", () => {
      try {
        connection.drained();
      } catch (error) {
        failed(error);
      }
    });
    socket.on("close", () => guard(log, `the connection of ${connection.peer}`, () => connection.closed(), ignore));
    reading.onRead(first, new DataView(first.buffer, first.byteOffset, first.length), first.length);
  },
});
