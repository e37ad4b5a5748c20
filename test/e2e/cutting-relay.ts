/** A relay to a broker that cuts connections in the middle of whatever they carry. */
import { once } from "node:events";
import { createServer, connect as dial, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface CuttingRelay {
  readonly port: number;
  cuts(): number;
  /** From now on it cuts nothing. */
  relent(): void;
}

/** Cuts each connection after as many bytes as it is told, of both directions together. Ends with the test. */
export const cuttingRelay = async (port: number, bytesBeforeCut: () => number): Promise<CuttingRelay> => {
  let cuts = 0;
  let isCutting = true;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const broker = dial(port, "127.0.0.1");
    let left = bytesBeforeCut();
    const relay = (from: Socket, to: Socket): void => {
      open.add(from);
      from.on("error", () => {});
      from.on("close", () => {
        open.delete(from);
        to.destroy();
      });
      from.on("data", (bytes: Buffer) => {
        const passed = isCutting ? Math.min(left, bytes.length) : bytes.length;
        to.write(bytes.subarray(0, passed));
        left -= passed;
        if (!isCutting || left > 0) return;
        if (!client.destroyed) cuts++;
        client.destroy();
      });
    };
    relay(client, broker);
    relay(broker, client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay listens on a port");
  return {
    port: address.port,
    cuts: () => cuts,
    relent: () => {
      isCutting = false;
    },
  };
};
