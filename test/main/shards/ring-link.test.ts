import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EnvelopeOp, packEnvelope } from "../../../src/channel/envelope.js";
import { allocateRing } from "../../../src/channel/ring.js";
import { RingReader } from "../../../src/channel/ring-reader.js";
import { RingWriter } from "../../../src/channel/ring-writer.js";
import { RingLink, type ShardMemory } from "../../../src/main/shards/ring-link.js";
import type { Outlet } from "../../../src/main/shards/shard-link.js";

const MAX_RECORD = 1 << 20;

interface Arrived {
  readonly envelope: readonly number[];
  readonly payload: Buffer;
}

class Outbox implements Outlet {
  readonly arrived: Arrived[] = [];
  flushes = 0;
  #waiting: (() => void) | undefined;

  readonly record = (envelope: readonly number[], bytes: Uint8Array, _view: DataView, start: number, end: number) => {
    this.arrived.push({ envelope: [...envelope], payload: Buffer.from(bytes.slice(start, end)) });
  };

  /** That many flushes more do not end what is to be sent. */
  left = 0;

  get isFull(): boolean {
    return this.left > 0;
  }

  flush(): boolean {
    this.flushes++;
    this.#waiting?.();
    if (this.left > 0) this.left--;
    return this.left === 0;
  }

  async until(isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }
}

const open = (capacity = 1024) => {
  const memory: ShardMemory = { inbox: allocateRing(capacity), outbox: allocateRing(capacity) };
  const outbox = new Outbox();
  const failures: unknown[] = [];
  const link = new RingLink(0, memory, MAX_RECORD, outbox, (error) => failures.push(error));
  // The thread's ends of the rings.
  const inbox = new RingReader(memory.inbox, MAX_RECORD);
  return { link, outbox, inbox, answers: new RingWriter(memory.outbox), failures };
};

const readInbox = (inbox: RingReader, arrived: Arrived[], most = Number.POSITIVE_INFINITY): number =>
  inbox.drain((envelope, bytes, _view, start, end) => {
    arrived.push({ envelope: [...envelope], payload: Buffer.from(bytes.slice(start, end)) });
  }, most);

/** What a connection is to a link. */
class Sending {
  waiting = 0;
  taken(bytes: number): void {
    this.waiting -= bytes;
  }
}

const framesOf = (connection: number): Uint8Array => packEnvelope([EnvelopeOp.FRAMES, connection]).slice();

/** A turn of the event loop: promises of shared memory are settled in it. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const readUntil = async (inbox: RingReader, arrived: Arrived[], count: number): Promise<void> => {
  while (arrived.length < count) {
    readInbox(inbox, arrived, 3);
    await turn();
  }
};

describe("a link to a shard", () => {
  it("neither loses nor reorders what does not fit into the ring", async () => {
    const sent = fc.array(
      fc.record({ connection: fc.integer({ min: 1, max: 3 }), bytes: fc.integer({ min: 0, max: 3_000 }) }),
      { minLength: 1, maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(sent, async (records) => {
        const { link, inbox, failures } = open();
        const senders = new Map([1, 2, 3].map((connection) => [connection, new Sending()]));
        const scratch = Buffer.alloc(3_000);
        records.forEach(({ connection, bytes }, i) => {
          const sender = senders.get(connection);
          if (sender === undefined) throw new Error("no such connection");
          scratch.fill(i, 0, bytes);
          if (!link.send(sender, framesOf(connection), scratch, 0, bytes)) sender.waiting += bytes;
          // The bytes are the caller's again.
          scratch.fill(0xff);
        });
        const arrived: Arrived[] = [];
        await readUntil(inbox, arrived, records.length);
        expect(arrived.map(({ envelope }) => envelope[1])).toEqual(records.map(({ connection }) => connection));
        const wrong = arrived.findIndex(({ payload }, i) => !payload.equals(Buffer.alloc(records[i]?.bytes ?? 0, i)));
        expect(wrong).toBe(-1);
        for (const sender of senders.values()) expect(sender.waiting).toBe(0);
        expect(link.isCongested).toBe(false);
        expect(failures).toEqual([]);
        link.close();
      }),
      { numRuns: 30 },
    );
  });

  it("tells a shard about a connection behind what the connection has sent", async () => {
    const { link, inbox } = open();
    const sender = new Sending();
    expect(link.send(sender, framesOf(5), Buffer.alloc(10_000, 1), 0, 10_000)).toBe(false);
    link.tell(EnvelopeOp.DISCONNECT, 5);
    link.tell(EnvelopeOp.STOP, 0);
    const arrived: Arrived[] = [];
    await readUntil(inbox, arrived, 3);
    expect(arrived.map(({ envelope }) => envelope)).toEqual([
      [EnvelopeOp.FRAMES, 5],
      [EnvelopeOp.DISCONNECT, 5],
      [EnvelopeOp.STOP, 0],
    ]);
    link.close();
  });

  it("ends a drain behind the record with which its bytes are enough", async () => {
    const { link, outbox, answers } = open(4 * 1024 * 1024);
    const seen: number[] = [];
    const { flush } = outbox;
    let records = 0;
    Object.assign(outbox, {
      record: () => void records++,
      flush: () => {
        if (records > 0) seen.push(records);
        records = 0;
        return flush.call(outbox);
      },
    });
    const bytes = Buffer.alloc(400_000);
    for (let i = 0; i < 9; i++) expect(answers.tryWrite(framesOf(1), bytes, 0, bytes.length)).toBe(true);
    await outbox.until(() => seen.length === 3);
    expect(seen).toEqual([3, 3, 3]);
    link.close();
  });

  it("hands over no record while the outlet is full, and goes on when it has flushed all", async () => {
    const { link, outbox, answers } = open(64 * 1024);
    const { record } = outbox;
    const seen: number[] = [];
    Object.assign(outbox, {
      record: (envelope: readonly number[], ...rest: [Uint8Array, DataView, number, number]) => {
        expect(outbox.left).toBe(0);
        record(envelope, ...rest);
        seen.push(outbox.flushes);
        outbox.left = 3;
      },
    });
    for (let i = 0; i < 4; i++) answers.tryWrite(framesOf(i), Buffer.alloc(10), 0, 10);
    await outbox.until(() => outbox.arrived.length === 4);
    expect(outbox.arrived.map(({ envelope }) => envelope[1])).toEqual([0, 1, 2, 3]);
    expect(seen.slice(1).every((flushes, i) => flushes >= (seen[i] ?? 0) + 3)).toBe(true);
    link.close();
    expect(outbox.left).toBe(0);
  });

  it("lets only the last word of a connection that is held and released over and over wait", async () => {
    const { link, inbox } = open();
    link.send(new Sending(), framesOf(1), Buffer.alloc(10_000), 0, 10_000);
    for (let i = 0; i < 1_000; i++) {
      link.tell(EnvelopeOp.HOLD, 1);
      link.tell(EnvelopeOp.UNHOLD, 1);
      link.tell(EnvelopeOp.UNHOLD, 2);
      link.tell(EnvelopeOp.HOLD, 2);
    }
    const arrived: Arrived[] = [];
    await readUntil(inbox, arrived, 3);
    await turn();
    readInbox(inbox, arrived);
    expect(arrived.slice(1).map(({ envelope }) => envelope)).toEqual([
      [EnvelopeOp.UNHOLD, 1],
      [EnvelopeOp.HOLD, 2],
    ]);
    link.close();
  });

  it("gives back memory of a line that never runs empty", async () => {
    const { link, inbox } = open();
    const sender = new Sending();
    const send = (): void => {
      link.send(sender, framesOf(1), Buffer.alloc(500), 0, 500);
    };
    for (let i = 0; i < 20; i++) send();
    const arrived: Arrived[] = [];
    let read = 0;
    while (read < 5_000) {
      const count = readInbox(inbox, arrived, 3);
      arrived.length = 0;
      read += count;
      for (let i = 0; i < count; i++) send();
      expect(link.isCongested).toBe(true);
      await turn();
    }
    expect(link.lineCapacity).toBeLessThanOrEqual(64);
    link.close();
  });

  it("finds what waits of each of many connections that toggle without searching the line", async () => {
    const { link, inbox } = open();
    link.send(new Sending(), framesOf(1), Buffer.alloc(10_000), 0, 10_000);
    const connections = 10_000;
    // A search of the line each time would take 10,000 × 10,000 / 2 steps in each of the rounds.
    for (let round = 0; round < 20; round++) {
      for (let id = 1; id <= connections; id++) link.tell(round % 2 === 0 ? EnvelopeOp.HOLD : EnvelopeOp.UNHOLD, id);
    }
    expect(link.lineCapacity).toBe(16_384);
    readInbox(inbox, []);
    link.close();
  });

  it("hands over what a shard has sent, and flushes once for many records", async () => {
    const { link, outbox, answers } = open(64 * 1024);
    for (let i = 0; i < 100; i++) answers.tryWrite(framesOf(i), Buffer.alloc(10, i), 0, 10);
    await outbox.until(() => outbox.arrived.length === 100);
    expect(outbox.arrived.map(({ envelope }) => envelope[1])).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(outbox.flushes).toBeLessThan(5);
    link.close();
  });

  it("gives sockets a turn while a shard never stops sending", async () => {
    const { link, outbox, answers } = open(64 * 1024);
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const send = (): void => {
      while (answers.tryWrite(framesOf(1), Buffer.alloc(100), 0, 100));
    };
    send();
    while (outbox.arrived.length < 5_000) {
      const before = outbox.arrived.length;
      await outbox.until(() => outbox.arrived.length > before);
      send();
    }
    isDone = true;
    expect(turns).toBeGreaterThan(5_000 / 600);
    link.close();
  });

  it("reads what a thread left behind, frees those that wait, and takes nothing more", () => {
    const { link, outbox, inbox, answers } = open();
    const sender = new Sending();
    sender.waiting = 10_000;
    expect(link.send(sender, framesOf(1), Buffer.alloc(10_000), 0, 10_000)).toBe(false);
    answers.tryWrite(framesOf(7), Buffer.from("last words"), 0, 10);
    link.close();
    expect(outbox.arrived).toEqual([{ envelope: [EnvelopeOp.FRAMES, 7], payload: Buffer.from("last words") }]);
    expect(sender.waiting).toBe(0);
    expect(link.send(sender, framesOf(1), Buffer.alloc(10), 0, 10)).toBe(true);
    const arrived: Arrived[] = [];
    expect(readInbox(inbox, arrived)).toBe(0);
  });
});
