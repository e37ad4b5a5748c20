/** What is thrown in a callback of a WebSocket closes it, is logged, and leaves the others alone. */
import { once } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { Access } from "../../../../src/main/access/access.js";
import { SILENT } from "../../../../src/main/log.js";
import type { NativeConnection } from "../../../../src/main/native/connection.js";
import { AddressShares } from "../../../../src/main/ports/address-shares.js";
import type { ConnectionHost } from "../../../../src/main/ports/connection-host.js";
import type { HttpEngineFactory } from "../../../../src/main/ports/http/engine.js";
import { HttpGuard } from "../../../../src/main/ports/http/guard.js";
import { HttpListener } from "../../../../src/main/ports/http/listener.js";
import { Op } from "../../../../src/protocol/op.js";
import { entries, frame } from "../../frames.js";
import { testSwitchboard, until } from "../../switchboard.js";
import { ENGINES } from "./engines.js";

const boom = new Error("boom");
const fail = (): never => {
  throw boom;
};

const failing = (method: "receive" | "closed") => (connection: NativeConnection) => {
  connection[method] = fail;
};

interface Faults {
  isFull?: () => never;
  isOverLimit?: () => never;
  guard?: () => never;
  open?: () => never;
  onConnection?: (connection: NativeConnection) => void;
}

const listening = async (makeEngine: HttpEngineFactory) => {
  const errors: [object, string][] = [];
  const log = { ...SILENT, error: (fields: object, text: string) => void errors.push([fields, text]) };
  const board = await testSwitchboard();
  const faults: Faults = {};
  const host: ConnectionHost = {
    get isFull() {
      return faults.isFull?.() ?? false;
    },
    get isOverLimit() {
      return faults.isOverLimit?.() ?? false;
    },
    isScarce: false,
    isCrowded: false,
    acceptFailed: () => {},
    shares: new AddressShares(100),
    reserve: () => true,
    release: () => {},
    open: (transport) => {
      faults.open?.();
      const connection = board.open(transport);
      faults.onConnection?.(connection);
      return connection;
    },
  };
  const guard = new HttpGuard({ listensOn: "127.0.0.1", allowOrigin: [], allowHost: [] });
  const check = guard.check.bind(guard);
  guard.check = (request) => faults.guard?.() ?? check(request);
  const listener = new HttpListener(host, guard, log, makeEngine, (text) => text, new Access([], log));
  listener.addNative(host, { path: "/mq" });
  const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => listener.close());
  return { errors, faults, port, board };
};

const connect = (port: number) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/mq`);
  socket.on("error", () => {});
  return {
    socket,
    opened: once(socket, "open"),
    closed: new Promise<void>((resolve) => socket.once("close", () => resolve())),
  };
};

/** Above what is gathered, below what the ring of a test takes. */
const LARGE_BYTES = 20 * 1024;
const publish = (topic: string, bytes = 1): Buffer => frame(Op.PUBLISH, 1, [topic], entries(Buffer.alloc(bytes)));

const FAULTS: readonly (readonly [string, Faults, string])[] = [
  ["when a socket comes", { isOverLimit: fail }, "a new socket failed"],
  ["when it asks to be one", { guard: fail }, "a WebSocket failed"],
  ["when it is asked whether there is room", { isFull: fail }, "a WebSocket failed"],
  ["when it opens", { open: fail }, "a WebSocket failed"],
  ["when it has closed", { onConnection: failing("closed") }, "a WebSocket failed"],
];

describe.each(ENGINES)("%s", (_, makeEngine) => {
  it.each(FAULTS)("%s", async (when, fault, text) => {
    const { errors, faults, port, board } = await listening(makeEngine);
    const neighbour = connect(port);
    await neighbour.opened;
    Object.assign(faults, fault);
    const bad = connect(port);
    bad.opened.then(
      () => {
        bad.socket.send(publish("bad", LARGE_BYTES).subarray(0, LARGE_BYTES));
        if (when === "when it has closed") bad.socket.close();
      },
      () => {},
    );
    await bad.closed;
    await until(() => errors.length > 0);
    expect(errors).toEqual([[{ error: boom }, text]]);
    neighbour.socket.send(publish("good"));
    const topics: unknown[] = [];
    await until(() => {
      for (const { frames } of board.shards[0]?.read() ?? []) topics.push(...frames.map(({ head }) => head[0]));
      return topics.includes("good");
    });
    neighbour.socket.close();
    await neighbour.closed;
  });
});
