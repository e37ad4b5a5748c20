import { describe, expect, it } from "vitest";
import { Bridge, type Lane, type LaneOwner } from "../../src/bridge/bridge.js";

/** What an owner has heard, in order. */
class Ear implements LaneOwner {
  readonly heard: string[] = [];

  constructor(readonly lane: Lane) {
    lane.owner = this;
  }

  received(bytes: Uint8Array): void {
    this.heard.push(Buffer.from(bytes).toString("latin1"));
  }

  progressed(): void {
    this.heard.push(`progressed to ${this.lane.unsettled}`);
  }

  ended(isReset: boolean): void {
    this.heard.push(isReset ? "reset" : "ended");
  }
}

const text = (value: string): Uint8Array => Buffer.from(value, "latin1");

/** Two ends whose turns are run by hand. */
const pair = () => {
  const tasks: (() => void)[] = [];
  const batches: { readonly to: "near" | "far"; readonly batch: Uint8Array }[] = [];
  const opened: { readonly ear: Ear; readonly opening: string }[] = [];
  const schedule = (task: () => void): void => void tasks.push(task);
  const near = new Bridge((batch) => batches.push({ to: "far", batch }), schedule);
  const far: Bridge = new Bridge(
    (batch) => batches.push({ to: "near", batch }),
    schedule,
    (lane, opening) => opened.push({ ear: new Ear(lane), opening: Buffer.from(opening).toString() }),
  );
  let posted = 0;
  /** Until nothing is on its way. Answers how many batches were posted. */
  const run = (): number => {
    const before = posted;
    while (tasks.length > 0 || batches.length > 0) {
      for (const task of tasks.splice(0)) task();
      for (const { to, batch } of batches.splice(0)) {
        posted++;
        (to === "far" ? far : near).receive(batch);
      }
    }
    return posted - before;
  };
  const open = (opening: string) => {
    const ear = new Ear(near.open(text(opening)));
    run();
    const other = opened.at(-1);
    if (other === undefined) throw new Error("no lane was opened");
    return { ear, lane: ear.lane, other: other.ear, opening: other.opening };
  };
  return { near, far, run, open };
};

describe("a bridge", () => {
  it("carries the lanes of a turn in one batch, each in its order", () => {
    const { run, open } = pair();
    const one = open("one");
    const two = open("two");
    expect([one.opening, two.opening]).toEqual(["one", "two"]);
    one.lane.send(text("a"));
    two.lane.send(text("b"));
    one.lane.send(text("c"));
    expect(run()).toBe(1);
    expect(one.other.heard).toEqual(["a", "c"]);
    expect(two.other.heard).toEqual(["b"]);
    one.other.lane.send(text("d"));
    run();
    expect(one.ear.heard).toEqual(["d"]);
  });

  it("copies what is sent, and posts what is much before the turn ends", () => {
    const { run, open } = pair();
    const { lane, other } = open("");
    const bytes = Buffer.alloc(100_000, "x");
    for (let i = 0; i < 6; i++) {
      bytes.fill(String(i));
      lane.send(bytes);
    }
    bytes.fill("!");
    expect(run()).toBe(2);
    expect(other.heard.map((each) => each.length)).toEqual(Array.from({ length: 6 }, () => 100_000));
    expect(other.heard.map((each) => each[99_999])).toEqual(["0", "1", "2", "3", "4", "5"]);
  });

  it("knows what the other side has not dealt with", () => {
    const { run, open } = pair();
    const { lane, ear, other } = open("");
    lane.send(text("12345"));
    run();
    expect(lane.unsettled).toBe(5);
    other.lane.done(2);
    other.lane.done(1);
    run();
    expect(lane.unsettled).toBe(2);
    expect(ear.heard).toEqual(["progressed to 2"]);
  });

  it("ends a lane when both sides have said so, and hears what came before the end", () => {
    const { near, far, run, open } = pair();
    const { lane, ear, other } = open("");
    lane.send(text("last"));
    lane.end();
    lane.send(text("too late"));
    other.lane.send(text("and its answer"));
    run();
    expect(other.heard).toEqual(["last", "ended"]);
    expect(ear.heard).toEqual(["and its answer", "ended"]);
    expect([near.size, far.size]).toEqual([0, 0]);
    other.lane.send(text("too late"));
    other.lane.done(4);
    expect(run()).toBe(1);
    expect(ear.heard).toHaveLength(2);
  });

  it("resets a lane at once", () => {
    const { near, far, run, open } = pair();
    const { lane, ear, other } = open("");
    other.lane.send(text("on its way"));
    lane.reset();
    run();
    expect(ear.heard).toEqual([]);
    expect(other.heard).toEqual(["reset"]);
    expect([near.size, far.size]).toEqual([0, 0]);
  });

  it("ends all lanes when the other side is gone, and posts nothing more", () => {
    const { near, run, open } = pair();
    const one = open("");
    const two = open("");
    near.broken();
    one.lane.send(text("nobody"));
    one.lane.done(1);
    two.lane.end();
    expect(run()).toBe(0);
    expect([one.ear.heard, two.ear.heard]).toEqual([["reset"], ["reset"]]);
    expect(near.size).toBe(0);
  });
});
