/** A broker without threads: a native connection, a shard and its pump in one thread, under a clock moved by hand. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { EnvelopeOp } from "../../src/channel/envelope.js";
import { LocalChannel } from "../../src/channel/local-channel.js";
import { memoryJournal } from "../../src/journal/journal.js";
import { Access } from "../../src/main/access/access.js";
import { SILENT } from "../../src/main/log.js";
import { AssemblyMemory } from "../../src/main/native/assembly.js";
import { CallDesk, manualSchedule } from "../../src/main/native/call-desk.js";
import { NativeConnection } from "../../src/main/native/connection.js";
import type { ConnectionContext } from "../../src/main/native/connection-context.js";
import { helloHead } from "../../src/main/native/handshake.js";
import { OutboxDrain } from "../../src/main/native/outbox-drain.js";
import { OutputPool } from "../../src/main/native/output-pool.js";
import { UnsentBudget } from "../../src/main/native/unsent-budget.js";
import { WaitingInput } from "../../src/main/native/waiting-input.js";
import { resolveOptions } from "../../src/main/options.js";
import { LocalLink } from "../../src/main/shards/local-link.js";
import { Router } from "../../src/main/shards/router.js";
import { EPOCH } from "../../src/protocol/id.js";
import { Answer, Durability, Op } from "../../src/protocol/op.js";
import { readRuns } from "../../src/protocol/run.js";
import { SELECTION_BYTES, writeSelection } from "../../src/protocol/selection.js";
import { localIdSource } from "../../src/shard/messages/id-allocator.js";
import type { Pump } from "../../src/workers/pump.js";
import { assemblePump } from "../../src/workers/pump-assembly.js";
import { entries, type Frame, frame, splitFrames } from "./frames.js";
import { MemoryTransport } from "./switchboard.js";

const BEGIN = Date.UTC(2026, 0, 1);

let now: number;
let pump: Pump;
let link: LocalLink;
let open: () => { readonly connection: NativeConnection; readonly transport: MemoryTransport };

beforeEach(async () => {
  // It runs as well where threads cannot share memory.
  vi.stubGlobal("SharedArrayBuffer", undefined);
  now = BEGIN;
  const options = resolveOptions({ shards: 1, durability: "memory" });
  const inbox = new LocalChannel();
  const outbox = new LocalChannel();
  const connections = new Map<number, NativeConnection>();
  const drain = new OutboxDrain((id) => connections.get(id), SILENT);
  link = new LocalLink(0, { inbox, outbox }, drain);
  pump = assemblePump({
    inbox,
    outbox,
    ids: localIdSource(EPOCH),
    node: 1,
    shard: 0,
    shards: 1,
    limits: options,
    memoryBytes: options.memory,
    level: Durability.memory,
    clock: () => now,
    openJournal: () => memoryJournal,
  });
  const context: ConnectionContext = {
    options,
    router: await Router.create(1),
    links: [link],
    down: [],
    assembly: new AssemblyMemory(options.maxAssemblyBytes),
    pool: new OutputPool(),
    unsent: new UnsentBudget(options.maxUnsentBytes, SILENT),
    waiting: new WaitingInput(options.maxAssemblyBytes),
    calls: new CallDesk(
      options,
      manualSchedule(() => now),
      SILENT,
    ),
    access: new Access([], SILENT),
    connections: { page: () => ({ connections: [], more: false }), find: () => undefined },
    now: () => now,
    isClosing: false,
    hello: helloHead(options),
    saidHello: () => {},
    closed: ({ id }) => connections.delete(id),
    history: undefined,
    watch: undefined,
    backup: () => ({ kind: "NOT_ALLOWED", text: "nothing is kept" }),
  };
  open = () => {
    const transport = new MemoryTransport();
    const connection = new NativeConnection(connections.size + 1, transport, context, { hasSaidHello: true });
    connections.set(connection.id, connection);
    return { connection, transport };
  };
});

afterEach(() => {
  vi.unstubAllGlobals();
});

/** Steps until the shard rests. Returns when it is to come again, in milliseconds from now. */
const rest = (): number => {
  for (let steps = 0; steps < 100; steps++) {
    const due = pump.step(now);
    link.deliver();
    if (due > now) return due - now;
  }
  throw new Error("the shard never comes to rest");
};

it("publishes with a delay, waits for the clock, delivers and acks", () => {
  const { connection, transport } = open();
  const send = (...frames: readonly Buffer[]): Frame[] => {
    const bytes = Buffer.concat(frames);
    connection.receive(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
    return answers();
  };
  const answers = (): Frame[] => {
    rest();
    return splitFrames(Buffer.concat(transport.writes.splice(0))).frames;
  };
  const ops = (frames: readonly Frame[]): number[] => frames.map(({ op }) => op);

  expect(ops(send(frame(Op.PUBLISH, 1, ["t", "", 5_000], entries("hello"))))).toEqual([Answer.CONFIRM]);
  // Nothing is due: the pop waits.
  expect(send(frame(Op.POP, 2, ["t", "", 1, 60_000]))).toEqual([]);
  expect(rest()).toBeGreaterThan(4_000);
  expect(rest()).toBeLessThanOrEqual(5_001);

  now += 4_999;
  expect(answers()).toEqual([]);
  now += 2;
  const [popped] = answers();
  expect(popped?.op).toBe(Answer.MESSAGES);
  const payload = popped?.payload ?? Buffer.alloc(0);
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const [run] = readRuns(view, 0, payload.length);
  expect(payload.toString("utf8")).toContain("hello");

  const selection = new Uint8Array(SELECTION_BYTES);
  writeSelection(new DataView(selection.buffer), 0, run?.idHigh ?? 0, run?.idLow ?? 0, 1, 0);
  expect(ops(send(frame(Op.ACK, 3, ["t", ""], selection)))).toEqual([Answer.CONFIRM]);
  // A lease that is acked does not end.
  now += 3_600_000;
  const [none] = send(frame(Op.POP, 4, ["t", "", 1, 0]));
  expect(none?.op).toBe(Answer.MESSAGES);
  expect(none?.payload.length).toBe(0);
});

it("gives a message back when the clock passes its lease, and the pump stops when it is told", () => {
  const { connection, transport } = open();
  const send = (bytes: Buffer): void =>
    connection.receive(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
  send(frame(Op.PUBLISH, 1, ["t", ""], entries("hello")));
  send(frame(Op.POP, 2, ["t", "", 1, 0]));
  rest();
  now += 60_001;
  rest();
  transport.writes.length = 0;
  send(frame(Op.POP, 3, ["t", "", 1, 0]));
  rest();
  expect(Buffer.concat(transport.writes).toString("latin1")).toContain("hello");

  expect(pump.isOver).toBe(false);
  link.tell(EnvelopeOp.STOP, 0);
  pump.step(now);
  expect(pump.isOver).toBe(true);
});
