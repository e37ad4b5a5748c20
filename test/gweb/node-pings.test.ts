/** Pings of nodes that a list names, of which most do not answer. */
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { NodePings } from "../../src/gweb/node-pings.js";

/** More than are asked at once, on the 127.0.0.0/8 of one silent port. */
const SILENT_NODES = 300;

const listening = async (server: Server, host: string): Promise<number> => {
  server.listen(0, host);
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
};

it("asks a node at once that somebody opens, and none twice, however many are silent and however often all are asked", async () => {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const silent = createServer((socket) => {
    accepted++;
    sockets.add(socket);
    socket.on("error", () => {});
  });
  const port = await listening(silent, "0.0.0.0");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  const live = `127.0.0.1:${await listening(
    createHttpServer((_, answer) => void answer.end("OK")),
    "127.0.0.1",
  )}`;
  const addresses = Array.from({ length: SILENT_NODES }, (_, i) => `127.0.${1 + (i >> 7)}.${1 + (i & 127)}:${port}`);
  const pings = new NodePings();
  let isOver = false;
  const first = pings.all([...addresses, live]).finally(() => {
    isOver = true;
  });
  expect(await pings.one(live)).toBe("http");
  expect(isOver).toBe(false);
  // By then the first ones have had their time, and the last ones have not.
  await pings.one(addresses[0] ?? "");
  expect(isOver).toBe(false);
  const again = pings.all([...addresses, live]);
  expect((await first).filter((scheme) => scheme !== undefined)).toEqual(["http"]);
  expect((await again).at(-1)).toBe("http");
  expect(accepted).toBe(SILENT_NODES);
});
