import { expect, it, vi } from "vitest";
import { SILENT } from "../../../../src/main/log.js";
import type { NativeConnection } from "../../../../src/main/native/connection.js";
import { WebSocketGathering } from "../../../../src/main/ports/http/websocket-gathering.js";
import { Op } from "../../../../src/protocol/op.js";
import { entries, frame } from "../../frames.js";
import { MemoryTransport, testSwitchboard, until } from "../../switchboard.js";

it("closes a connection that fails on its bytes, and hands the others theirs", async () => {
  const errors: unknown[] = [];
  const log = { ...SILENT, error: (fields: object) => void errors.push(fields) };
  const board = await testSwitchboard();
  const gathering = new WebSocketGathering(log);
  const connections = Array.from({ length: 3 }, () => board.open(new MemoryTransport()));
  const [, bad] = connections;
  if (bad === undefined) throw new Error("there are three");
  const fault = new Error("a bug");
  vi.spyOn(bad, "receive").mockImplementation(() => {
    throw fault;
  });
  const destroy = vi.spyOn(bad, "destroy");
  const bring = (connection: NativeConnection, topic: string): void => {
    const bytes = Uint8Array.from(frame(Op.PUBLISH, 1, [topic], entries("x")));
    gathering.take(connection, bytes);
  };
  for (const [i, connection] of connections.entries()) bring(connection, `topic-${i}`);
  const arrived: unknown[] = [];
  await until(() => {
    for (const { frames } of board.shards[0]?.read() ?? []) arrived.push(...frames.map(({ head }) => head[0]));
    return arrived.length === 2;
  });
  expect(arrived).toEqual(["topic-0", "topic-2"]);
  expect(errors).toEqual([{ error: fault }]);
  expect(destroy).toHaveBeenCalledOnce();
});
