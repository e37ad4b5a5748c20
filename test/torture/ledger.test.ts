import { describe, expect, it } from "vitest";
import type { Body } from "../../src/torture/body.js";
import { Findings } from "../../src/torture/findings.js";
import { type Arrival, Ledger, type Order } from "../../src/torture/ledger.js";

const RUN = 77;
/** When the lease of a first delivery ends; those of later ones end later. */
const LEASED = 1_000;
const LATER = 2_000;
const LATEST = 3_000;

const PLAIN = 0;
const AUTO = 1;
const ROUTED = 2;

const start = () => {
  const findings = new Findings();
  const ledger = new Ledger(
    RUN,
    [
      { name: "plain", queues: ["default"], autoAck: false },
      { name: "auto", queues: ["default"], autoAck: true },
      { name: "routed", queues: ["left", "right"], autoAck: false },
    ],
    findings,
  );
  const body = (slot: number, more: Partial<Body> = {}): Body => ({
    run: RUN,
    slot,
    topic: PLAIN,
    first: 0,
    copies: 1,
    due: 0,
    ...more,
  });
  const arrival = (id: number, more: Partial<Arrival> = {}): Arrival => ({
    id: String(id),
    retry: 0,
    isDead: false,
    deadline: LEASED,
    ...more,
  });
  /** A confirmed message of the plain topic. */
  const published = (id: number, isDelayed = false): number => {
    const slot = ledger.send(PLAIN, 1, isDelayed);
    ledger.confirm(slot, 1, String(id));
    return slot;
  };
  const arrive = (slot: number, id: number, more: Partial<Arrival> = {}, order?: Order): number =>
    ledger.arrive(PLAIN, 0, body(slot), arrival(id, more), order);
  const kinds = (): string[] => findings.list().map(({ kind, count }) => `${kind} ${count}`);
  return { ledger, findings, body, arrival, published, arrive, kinds };
};

describe("a ledger finds nothing", () => {
  it("when all that was confirmed came and was acked, in whatever life", () => {
    const { ledger, published, arrive, kinds } = start();
    const slots = [101, 102, 103].map((id) => published(id));
    for (const [i, slot] of slots.entries()) {
      arrive(slot, 101 + i);
      arrive(slot, 101 + i, { deadline: LATER });
      ledger.acking(slot, LATER);
      ledger.ackConfirmed(slot);
    }
    ledger.finish(0);
    expect(kinds()).toEqual([]);
  });

  it("in what was in doubt: a publish or an ack without an answer", () => {
    const { ledger, published, arrive, kinds } = start();
    const lost = ledger.send(PLAIN, 1, false);
    const taken = ledger.send(PLAIN, 1, false);
    arrive(taken, 102);
    ledger.acking(taken, LEASED);
    const acked = published(103);
    arrive(acked, 103);
    ledger.acking(acked, LEASED);
    arrive(acked, 103, { deadline: LATER });
    ledger.acking(acked, LATER);
    ledger.finish(0);
    expect(lost).toBe(0);
    expect(kinds()).toEqual([]);
  });

  it("in an ack without an answer behind which an earlier delivery is read, and is acked too late", () => {
    const { ledger, published, arrive, kinds } = start();
    const slot = published(101);
    arrive(slot, 101, { deadline: LATER });
    ledger.acking(slot, LATER);
    arrive(slot, 101);
    ledger.acking(slot, LEASED);
    ledger.ackRefused(slot, LEASED);
    ledger.finish(0);
    expect(kinds()).toEqual([]);
  });

  it("in as many missing messages of auto-ack topics as were on their way", () => {
    const { ledger, kinds } = start();
    for (let i = 0; i < 3; i++) ledger.confirm(ledger.send(AUTO, 1, false), 1, String(i + 1));
    ledger.finish(3);
    expect(kinds()).toEqual([]);
  });
});

describe("a ledger finds", () => {
  it("a confirmed message that never came", () => {
    const { ledger, published, kinds } = start();
    published(101);
    ledger.finish(10);
    expect(kinds()).toEqual(["lost 1"]);
  });

  it("a confirmed message that came and was gone before its ack", () => {
    const { ledger, published, arrive, findings } = start();
    arrive(published(101), 101);
    ledger.finish(0);
    expect(findings.list()[0]?.examples[0]).toMatch(/plain: message 0 \(id 101\) had come before/);
  });

  it("a message whose ack was refused and that nobody got after that", () => {
    const { ledger, published, arrive, kinds } = start();
    const slot = published(101);
    arrive(slot, 101);
    ledger.acking(slot, LEASED);
    ledger.ackRefused(slot, LEASED);
    ledger.finish(0);
    expect(kinds()).toEqual(["lost 1"]);
  });

  it("a message that was delivered after an ack without an answer, was not acked again and is gone, however late that is read", () => {
    const { ledger, published, arrive, kinds } = start();
    const slot = published(101);
    arrive(slot, 101);
    ledger.acking(slot, LEASED);
    // Its lease has ended long ago.
    arrive(slot, 101, { deadline: LATER });
    ledger.finish(0);
    expect(kinds()).toEqual(["lost 1"]);
  });

  it("one missing message of an auto-ack topic more than were on their way", () => {
    const { ledger, kinds } = start();
    for (let i = 0; i < 3; i++) ledger.confirm(ledger.send(AUTO, 1, false), 1, String(i + 1));
    ledger.finish(2);
    expect(kinds()).toEqual(["lost 1"]);
  });

  it("a message that comes back after its ack, but not a delivery from before it that is read late", () => {
    const { ledger, published, arrive, kinds } = start();
    const slot = published(101);
    arrive(slot, 101, { deadline: LATER });
    ledger.acking(slot, LATER);
    ledger.ackConfirmed(slot);
    expect(arrive(slot, 101)).toBe(-1);
    expect(kinds()).toEqual([]);
    arrive(slot, 101, { deadline: LATEST });
    expect(kinds()).toEqual(["resurrected 1"]);
  });

  it("a message of an auto-ack topic that comes twice", () => {
    const { ledger, body, arrival, kinds } = start();
    const slot = ledger.send(AUTO, 1, false);
    ledger.arrive(AUTO, 0, body(slot, { topic: AUTO }), arrival(5, { deadline: 0 }));
    ledger.arrive(AUTO, 0, body(slot, { topic: AUTO }), arrival(5, { deadline: 0 }));
    expect(kinds()).toEqual(["delivered twice 1"]);
  });

  it("a first delivery behind one with a later id, and not one of a message that had been moved", () => {
    const { ledger, published, arrive, kinds } = start();
    const order = { last: 0n };
    const [a, b, c, d, delayed] = [101, 102, 103, 104, 105].map((id) => published(id, id === 105));
    arrive(delayed ?? 0, 105, {}, order);
    arrive(b ?? 0, 102, {}, order);
    arrive(d ?? 0, 104, { retry: 1 }, order);
    ledger.returning(c ?? 0);
    arrive(c ?? 0, 103, {}, order);
    expect(kinds()).toEqual([]);
    arrive(a ?? 0, 101, {}, order);
    arrive(a ?? 0, 101, {}, order);
    expect(kinds()).toEqual(["order 1"]);
  });

  it("a retry count that went down, after a delivery and after a confirmed nack, until a re-drive", () => {
    const { ledger, published, arrive, kinds } = start();
    const slot = published(101);
    arrive(slot, 101, { retry: 2 });
    ledger.returning(slot);
    expect(ledger.isReturning(slot)).toBe(true);
    ledger.returned(slot, 2, false);
    expect(ledger.isReturning(slot)).toBe(false);
    arrive(slot, 101, { retry: 3 });
    expect(kinds()).toEqual([]);
    arrive(slot, 101, { retry: 2 });
    expect(kinds()).toEqual(["retry 1"]);
    ledger.redriving(slot);
    arrive(slot, 101, { retry: 0 });
    expect(kinds()).toEqual(["retry 1"]);
  });

  it("a rejected message that comes as if it were alive, until a re-drive", () => {
    const { ledger, published, arrive, kinds } = start();
    const slot = published(101);
    arrive(slot, 101);
    ledger.returning(slot);
    ledger.returned(slot, 0, true);
    arrive(slot, 101, { retry: 1, isDead: true });
    expect(kinds()).toEqual([]);
    arrive(slot, 101, { retry: 1 });
    expect(kinds()).toEqual(["revived 1"]);
    ledger.redriving(slot);
    arrive(slot, 101);
    expect(kinds()).toEqual(["revived 1"]);
  });

  it("a delayed message before its time", () => {
    const { ledger, body, arrival, kinds } = start();
    const slot = ledger.send(PLAIN, 1, true);
    ledger.arrive(PLAIN, 0, body(slot, { due: Date.now() }), arrival(101));
    expect(kinds()).toEqual([]);
    ledger.arrive(PLAIN, 0, body(slot, { due: Date.now() + 1_000 }), arrival(101));
    expect(kinds()).toEqual(["early 1"]);
  });

  it("bodies that nobody has published so", () => {
    const { ledger, body, arrival, published, kinds } = start();
    const slot = published(101);
    const refused = ledger.send(PLAIN, 1, false);
    ledger.refuse(refused, 1);
    const routed = ledger.send(ROUTED, 1, false);
    const invented: [number, number, Body | undefined][] = [
      [PLAIN, 0, undefined],
      [PLAIN, 0, body(slot, { run: RUN + 1 })],
      [PLAIN, 0, body(slot, { topic: ROUTED })],
      [AUTO, 0, body(slot)],
      [PLAIN, 0, body(1_000)],
      [PLAIN, 0, body(refused)],
      [ROUTED, 0, body(routed, { topic: ROUTED, first: 1 })],
      [ROUTED, 1, body(routed, { topic: ROUTED, first: 0 })],
    ];
    for (const [topic, queue, what] of invented) expect(ledger.arrive(topic, queue, what, arrival(101))).toBe(-1);
    expect(kinds()).toEqual([`invented ${invented.length}`]);
    expect(ledger.arrive(ROUTED, 1, body(routed, { topic: ROUTED, first: 1 }), arrival(103))).toBe(routed);
  });

  it("an id that is another than the publisher's, and one that stands for two messages", () => {
    const { ledger, published, arrive, kinds } = start();
    const slot = published(101);
    ledger.confirm(ledger.send(ROUTED, 2, false), 2, "102");
    ledger.acking(slot, LEASED);
    arrive(slot, 103, { deadline: LATER });
    expect(kinds()).toEqual(["id changed 1"]);
    published(102);
    ledger.finish(0);
    expect(kinds()).toContain("id repeated 1");
  });
});

it("a ledger grows and keeps what it knows", () => {
  const { ledger, published, arrive, kinds } = start();
  const first = published(1);
  const others = Array.from({ length: 70_000 }, (_, i) => published(i + 2));
  arrive(first, 1);
  ledger.acking(first, LEASED);
  ledger.ackConfirmed(first);
  expect(others.at(-1)).toBe(70_000);
  arrive(first, 1, { deadline: LATER });
  expect(kinds()).toEqual(["resurrected 1"]);
});
