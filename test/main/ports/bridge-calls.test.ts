/** Calls over the bridge between two threads, both of whose ends are here. */
import { expect, it, onTestFinished } from "vitest";
import { Bridge } from "../../../src/bridge/bridge.js";
import { LaneTransport } from "../../../src/bridge/client/lane-transport.js";
import { readConnection } from "../../../src/client/arguments/connect-checks.js";
import type { Client } from "../../../src/client/client.js";
import type { OpenTransport } from "../../../src/client/connection/transport.js";
import { openClient } from "../../../src/client/open-client.js";
import { SILENT } from "../../../src/main/log.js";
import { openLane } from "../../../src/main/ports/bridge/lane-connection.js";
import type { ConnectionHost } from "../../../src/main/ports/connection-host.js";
import { testSwitchboard } from "../switchboard.js";

it("requests of every size are replied to over lanes, and a lane that ends ends what it had", async () => {
  const board = await testSwitchboard();
  const host = { open: (transport) => board.open(transport, {}) } as Pick<ConnectionHost, "open"> as ConnectionHost;
  const near: Bridge = new Bridge((batch) => far.receive(batch), setImmediate);
  const far: Bridge = new Bridge(
    (batch) => near.receive(batch),
    setImmediate,
    (lane) => openLane(host, lane, { protocol: "lane", address: "a test" }, {}, SILENT),
  );
  const open: OpenTransport = async (_address, events) =>
    new LaneTransport(near.open(new Uint8Array(0)), events, () => 0);
  const connect = async (): Promise<Client> => {
    const client = await openClient("tcp://lane", readConnection({}), undefined, { open });
    onTestFinished(() => client.close());
    return client;
  };
  const [requester, server] = [await connect(), await connect()];
  await server.respond("echo", ({ body, headers }) => ({ body, headers }), { concurrency: 8 });
  await server.respond("never", () => new Promise<string>(() => {}));
  for (const size of [0, 100, 70_000, 3_000_000]) {
    const body = Buffer.alloc(size, "x");
    const replies = await Promise.all([1, 2, 3].map((n) => requester.request("echo", body, { headers: { n } })));
    for (const [i, reply] of replies.entries()) {
      expect(Buffer.compare(reply.body, body)).toBe(0);
      expect(reply.headers).toEqual({ n: i + 1 });
    }
  }
  const lost = requester.request("never", "");
  const told = expect(lost).rejects.toMatchObject({ code: "RESPONDER_LOST" });
  await requester.request("echo", "");
  await server.close();
  await told;
  await expect(requester.request("echo", "")).rejects.toMatchObject({ code: "NO_RESPONDER" });
});
