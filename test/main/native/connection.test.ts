import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { EnvelopeOp } from "../../../src/channel/envelope.js";
import { Backups } from "../../../src/main/data/backup.js";
import type { NativeConnection } from "../../../src/main/native/connection.js";
import { resolveOptions } from "../../../src/main/options.js";
import type { JobPool } from "../../../src/main/shards/job-pool.js";
import { ERRORS } from "../../../src/protocol/errors.js";
import { Answer, Op } from "../../../src/protocol/op.js";
import { entries, frame } from "../frames.js";
import {
  MemoryTransport,
  SESSION,
  type TestShard,
  type TestSwitchboard,
  testSwitchboard,
  until,
} from "../switchboard.js";

const receive = (connection: NativeConnection, ...frames: readonly Buffer[]): void => {
  const bytes = Buffer.concat(frames);
  connection.receive(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
};

const publish = (request: number, topic = "topic", bytes = 10): Buffer =>
  frame(Op.PUBLISH, request, [topic], entries(Buffer.alloc(bytes)));

const result = (request: number, bytes = 0): Buffer => frame(Answer.RESULT, request, [], Buffer.alloc(bytes));

const shardOf = ({ shards }: TestSwitchboard, number = 0): TestShard => {
  const shard = shards[number];
  if (shard === undefined) throw new Error(`there is no shard ${number}`);
  return shard;
};

/** As a WebSocket's, or that of the broker's own connection. */
class UnpausableTransport extends MemoryTransport {
  override readonly canPause = false;
}

const envelopesOf = (shard: TestShard): (readonly number[])[] => shard.read().map(({ envelope }) => envelope);

describe("a connection", () => {
  it("is written to once for everything that one drain brings", async () => {
    const board = await testSwitchboard();
    const transports = [new MemoryTransport(), new MemoryTransport()];
    const connections = transports.map((transport) => board.open(transport));
    for (let i = 0; i < 100; i++) for (const { id } of connections) shardOf(board).answer(id, result(i + 1));
    await until(() => transports.every(({ frames }) => frames.length === 100));
    for (const { writes, frames } of transports) {
      expect(writes).toHaveLength(1);
      expect(frames.map(({ request }) => request)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    }
  });

  it("is given answers larger than a write in order and whole", async () => {
    const board = await testSwitchboard({ ringBytes: 1 << 20 });
    const transport = new MemoryTransport();
    const { id } = board.open(transport);
    const sizes = [10, 70_000, 5, 64 * 1024 - 12, 300_000, 1];
    sizes.forEach((bytes, i) => {
      shardOf(board).answer(id, result(i + 1, bytes));
    });
    await until(() => transport.frames.length === sizes.length);
    expect(transport.frames.map(({ request, payload }) => [request, payload.length])).toEqual(
      sizes.map((bytes, i) => [i + 1, bytes]),
    );
  });

  it("has the shards that it used hold back while its outgoing bytes are above the limit", async () => {
    const board = await testSwitchboard({ shards: 2, maxOutgoingBytes: 100_000 });
    const [first, second] = [shardOf(board, 0), shardOf(board, 1)];
    const transport = new MemoryTransport();
    const connection = board.open(transport);
    receive(connection, frame(Op.TOPICS, 1, [0]));
    expect(envelopesOf(first)).toEqual([[EnvelopeOp.FRAMES, connection.id]]);

    transport.buffered = 100_001;
    first.answer(connection.id, result(1));
    await until(() => transport.isPaused);
    expect(envelopesOf(first)).toEqual([[EnvelopeOp.HOLD, connection.id]]);
    expect(envelopesOf(second)).toEqual([]);

    // A shard that is used for the first time meanwhile hears it before the request.
    receive(connection, frame(Op.TOPICS, 2, [1]));
    expect(envelopesOf(second)).toEqual([
      [EnvelopeOp.HOLD, connection.id],
      [EnvelopeOp.FRAMES, connection.id],
    ]);

    transport.buffered = 50_001;
    connection.drained();
    expect(transport.isPaused).toBe(true);
    transport.buffered = 50_000;
    connection.drained();
    expect(transport.isPaused).toBe(false);
    for (const shard of [first, second]) expect(envelopesOf(shard)).toEqual([[EnvelopeOp.UNHOLD, connection.id]]);
  });

  it("is cut off when it stays far above the limit", async () => {
    const ringBytes = 64 * 1024;
    const board = await testSwitchboard({
      shards: 3,
      ringBytes,
      maxOutgoingBytes: 100_000,
      maxFrameBytes: 50_000,
      maxMessageBytes: 40_000,
    });
    const transport = new MemoryTransport();
    const connection = board.open(transport);
    // Each shard may have a full outbox for it, and a turn under way, before it hears that it should hold back.
    transport.buffered = 4 * 100_000 + 4 + 50_000 + 3 * (ringBytes + 2 * 1024 * 1024);
    shardOf(board).answer(connection.id, result(1));
    await until(() => transport.writes.length > 0);
    expect(transport.isDestroyed).toBe(false);
    transport.buffered++;
    shardOf(board).answer(connection.id, result(2));
    await until(() => transport.isDestroyed);
  });

  it("is not read while its bytes wait for a ring, and is again when all of them are in it", async () => {
    const board = await testSwitchboard();
    const transport = new MemoryTransport();
    const connection = board.open(transport);
    const requests = Array.from({ length: 100 }, (_, i) => i + 1);
    receive(connection, ...requests.map((request) => publish(request, "topic", 2_000)));
    expect(transport.isPaused).toBe(true);
    const arrived: number[] = [];
    while (arrived.length < 100) {
      for (const { frames } of shardOf(board).read()) arrived.push(...frames.map(({ request }) => request));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(arrived).toEqual(requests);
    await until(() => !transport.isPaused);
  });

  it("that cannot be paused is refused its requests past the bound, not cut off for having sent them", async () => {
    const board = await testSwitchboard({ shards: 2, maxFrameBytes: 500_000, maxMessageBytes: 400_000 });
    const transport = new UnpausableTransport();
    const connection = board.open(transport);
    // Each goes to the other shard than the one before, and is looked at while that one is still to be forwarded.
    const padding = Buffer.alloc(499_000);
    const requests = Array.from({ length: 8 }, (_, i) => frame(Op.TOPICS, i + 1, [i % 2], padding));
    receive(connection, ...requests);
    expect(connection.isOpen).toBe(true);
    expect(connection.inFlight).toBeGreaterThan(2);
    expect(transport.frames.length).toBe(8 - connection.inFlight);
    expect(new Set(transport.frames.map(({ head }) => head[0]))).toEqual(new Set([ERRORS.BUSY.code]));
  });

  it("that cannot be paused is closed when it sends on and on what needs no answer; a session never", async () => {
    const flood = Array.from({ length: 20 }, () => frame(Op.CREDIT, 0, ["topic", "", 1, 1], Buffer.alloc(400_000)));
    for (const isSession of [false, true]) {
      const board = await testSwitchboard({ maxFrameBytes: 500_000, maxMessageBytes: 400_000 });
      const transport = new UnpausableTransport();
      const connection = board.open(transport, isSession ? SESSION : { hasSaidHello: true });
      receive(connection, ...flood);
      expect(connection.isOpen).toBe(isSession);
      expect(transport.hasEnded).toBe(!isSession);
      if (!isSession) continue;
      receive(connection, publish(1));
      expect(transport.frames.map(({ head }) => head[0])).toEqual([ERRORS.BUSY.code]);
    }
  });

  it("is refused while too much waits of all together if it has something waiting, and else until it is all", async () => {
    const limit = 400_000;
    const board = await testSwitchboard({ maxFrameBytes: 120_000, maxMessageBytes: 100_000, maxAssemblyBytes: limit });
    const transports = Array.from({ length: 8 }, () => new UnpausableTransport());
    const connections = transports.map((transport) => board.open(transport));
    for (let round = 1; round <= 3; round++) {
      for (const connection of connections) receive(connection, publish(round, "topic", 50_000));
    }
    // The last that was let in found room.
    expect(board.waiting.bytes).toBeGreaterThan(limit / 2);
    expect(board.waiting.bytes).toBeLessThan(limit + 60_000);
    const refused = transports.flatMap(({ frames }) => frames);
    expect(refused.length).toBeGreaterThan(8);
    expect(new Set(refused.map(({ head }) => head[0]))).toEqual(new Set([ERRORS.BUSY.code]));
    const newcomer = new UnpausableTransport();
    receive(board.open(newcomer), publish(1, "topic", 10));
    const isSpent = board.waiting.isSpent;
    expect(newcomer.frames.length).toBe(isSpent ? 1 : 0);
    // What needs no answer ends who goes on with it.
    const last = connections.at(-1);
    const credit = frame(Op.CREDIT, 0, ["topic", "", 1, 1], Buffer.alloc(70_000));
    if (last !== undefined) for (let i = 0; i < 8; i++) receive(last, credit);
    expect(last?.isOpen).toBe(false);
    for (const connection of connections) connection.closed();
    await until(() => {
      shardOf(board).read();
      return board.waiting.bytes === 0;
    });
    const late = new UnpausableTransport();
    receive(board.open(late), publish(1));
    expect(late.frames).toEqual([]);
  });

  it("gives back what waited when its shard is lost", async () => {
    const board = await testSwitchboard();
    const connection = board.open(new MemoryTransport());
    receive(connection, ...Array.from({ length: 10 }, (_, i) => publish(i + 1, "topic", 20_000)));
    expect(board.waiting.bytes).toBeGreaterThan(0);
    shardOf(board).link.close();
    expect(board.waiting.bytes).toBe(0);
  });

  it("hears of all backups that are refused at once in one write, and of the one that is made when it is", async () => {
    const root = mkdtempSync(join(tmpdir(), "ringmq-backup-"));
    onTestFinished(() => rmSync(root, { recursive: true }));
    let finish = (): void => {};
    const pool: Pick<JobPool, "run"> = {
      run: () =>
        new Promise((resolve) => {
          finish = () => resolve({ ok: false, error: { name: "Error", message: "no room" } });
        }),
    };
    const backups = new Backups(resolveOptions({ shards: 1 }), { life: () => undefined }, pool);
    const board = await testSwitchboard({}, (_, directory) => backups.run({ isTcp: true }, directory));
    const transport = new MemoryTransport();
    const connection = board.open(transport);
    const heads = [["relative"], [5], [join(root, "a")], [join(root, "b")], ["again"]];
    const asked = heads.map((head, i) => frame(Op.BACKUP, i + 1, head));
    receive(connection, ...asked);
    // In the same turn already.
    expect(transport.writes).toHaveLength(1);
    expect(transport.frames.map(({ request, head }) => [request, head[0]])).toEqual([
      [1, ERRORS.BAD_HEAD.code],
      [2, ERRORS.BAD_HEAD.code],
      [4, ERRORS.BACKUP_FAILED.code],
      [5, ERRORS.BAD_HEAD.code],
    ]);
    expect(connection.inFlight).toBe(1);
    await vi.waitFor(() => {
      finish();
      expect(connection.inFlight).toBe(0);
    });
    expect(transport.frames.at(-1)?.request).toBe(3);
  });

  it("is told that the broker stops, not that a shard failed, by a shard that ended for that", async () => {
    const board = await testSwitchboard();
    const transport = new MemoryTransport();
    const connection = board.open(transport);
    board.endShard(0);
    receive(connection, publish(1), publish(2));
    expect(transport.frames.map(({ request, head }) => [request, head[0], head[2]])).toEqual([
      [1, ERRORS.SHUTTING_DOWN.code, true],
      [2, ERRORS.SHUTTING_DOWN.code, true],
    ]);
  });

  it("forwards what came before the frame that ends it, and then tells the shards that it is gone", async () => {
    const board = await testSwitchboard();
    const transport = new MemoryTransport();
    const connection = board.open(transport);
    receive(connection, publish(1), publish(2), publish(2), publish(3));
    const arrived = shardOf(board).read();
    expect(arrived.map(({ envelope, frames }) => [envelope[0], frames.map(({ request }) => request)])).toEqual([
      [EnvelopeOp.FRAMES, [1, 2]],
      [EnvelopeOp.DISCONNECT, []],
    ]);
    expect(transport.frames.map(({ head }) => head[0])).toEqual([ERRORS.DUPLICATE_REQUEST.code]);
    expect(transport.hasEnded).toBe(true);
    connection.closed();
    expect(envelopesOf(shardOf(board))).toEqual([]);
  });

  it("tells only shards that have heard of it that it is gone", async () => {
    const board = await testSwitchboard({ shards: 2 });
    const connection = board.open(new MemoryTransport());
    receive(connection, frame(Op.TOPICS, 1, [1]));
    shardOf(board, 1).read();
    connection.closed();
    expect(envelopesOf(shardOf(board, 0))).toEqual([]);
    expect(envelopesOf(shardOf(board, 1))).toEqual([[EnvelopeOp.DISCONNECT, connection.id]]);
  });

  it("passes CREDIT on without a number, and answers nothing to it", async () => {
    const board = await testSwitchboard();
    const transport = new MemoryTransport();
    const connection = board.open(transport);
    receive(connection, frame(Op.CREDIT, 0, ["topic", "", 1, 10]), frame(Op.CREDIT, 0, ["topic", "", 1, 10]));
    expect(shardOf(board).read()[0]?.frames).toHaveLength(2);
    expect(connection.inFlight).toBe(0);
    expect(transport.writes).toEqual([]);
  });
});

describe("frames for an audience", () => {
  const message = (n: number): Buffer => frame(Answer.CHANNEL_MESSAGES, 0, ["news"], entries(`message ${n}`));

  it("reach all of it, in order with what each is sent for itself", async () => {
    const board = await testSwitchboard({ ringBytes: 1 << 20 });
    const shard = shardOf(board);
    const transports = Array.from({ length: 4 }, () => new MemoryTransport());
    const [a = 0, b = 0, c = 0, d = 0] = transports.map((transport) => board.open(transport).id);
    shard.fanOut([a, b, c], message(1));
    shard.answer(d, result(1));
    shard.fanOut([a, b, c], message(2));
    shard.answer(b, result(2));
    shard.fanOut([a, b, c], message(3));
    shard.fanOut([a, d], message(4));
    shard.answer(a, result(3));
    await until(() => transports[0]?.frames.length === 5);
    const seen = transports.map(({ frames }) =>
      frames.map(({ op, request, payload }) =>
        op === Answer.RESULT ? `result ${request}` : payload.subarray(4).toString(),
      ),
    );
    expect(seen).toEqual([
      ["message 1", "message 2", "message 3", "message 4", "result 3"],
      ["message 1", "message 2", "result 2", "message 3"],
      ["message 1", "message 2", "message 3"],
      ["result 1", "message 4"],
    ]);
    for (const { writes } of transports) expect(writes).toHaveLength(1);
  });

  it("are written as they are when they are large, and pass over who has gone", async () => {
    const board = await testSwitchboard({ ringBytes: 4 << 20 });
    const shard = shardOf(board);
    const transports = Array.from({ length: 3 }, () => new MemoryTransport());
    const connections = transports.map((transport) => board.open(transport));
    connections[1]?.closed();
    const ids = connections.map(({ id }) => id);
    const bodies = Array.from({ length: 60 }, (_, i) => Buffer.alloc(i === 30 ? 200_000 : 3_000, i));
    for (const body of bodies) shard.fanOut(ids, frame(Answer.CHANNEL_MESSAGES, 0, ["news"], entries(body)));
    for (const transport of [transports[0], transports[2]]) {
      await until(() => transport?.frames.length === bodies.length);
      expect(transport?.frames.every(({ payload }, i) => payload.subarray(4).equals(bodies[i] ?? payload))).toBe(true);
      expect(transport?.writes.length).toBeLessThan(12);
    }
    expect(transports[1]?.writes).toEqual([]);
  });
});
