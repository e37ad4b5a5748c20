import { expect, test } from "vitest";
import { Acks, LanePlan } from "../../../../../src/main/front-ends/gmq/line/lane-plan.js";

/** The fates of acks so far. */
const drain = (plan: LanePlan): string[] => {
  const texts: string[] = [];
  plan.drainAcks((text) => texts.push(text));
  return texts;
};

const plan = (commands: string): { plan: LanePlan; acks: Acks } => {
  const made = new LanePlan();
  for (const command of commands) made.add(command === "p" ? 1 : -1);
  made.commit();
  const count = commands.replaceAll("p", "").length;
  const acks = new Acks(count, new Uint32Array(count * 2));
  if (count > 0) made.expectAcks(acks);
  return { plan: made, acks };
};

test("pops and acks are answered in the order in which they came", () => {
  const { plan: made, acks } = plan("paapa");
  acks.answers = (index) => `ack ${index}`;
  expect(drain(made)).toEqual([]);
  expect(made.takePop()).toBe(true);
  expect(drain(made)).toEqual(["ack 0", "ack 1"]);
  expect(made.takePop()).toBe(true);
  expect(made.isEmpty).toBe(false);
  expect(drain(made)).toEqual(["ack 2"]);
  expect(made.isEmpty).toBe(true);
  expect(made.takePop()).toBe(false);
});

test("acks whose fate is not known keep what is behind them", () => {
  const { plan: made, acks } = plan("ap");
  expect(drain(made)).toEqual([]);
  expect(made.takePop()).toBe(false);
  acks.answers = () => "";
  expect(drain(made)).toEqual([""]);
  expect(made.takePop()).toBe(true);
});

test("what comes later is behind what is there", () => {
  const { plan: made } = plan("pp");
  made.add(1);
  made.add(-1);
  made.commit();
  const acks = new Acks(1, new Uint32Array(2));
  acks.answers = () => "known";
  made.expectAcks(acks);
  for (let i = 0; i < 3; i++) {
    expect(drain(made)).toEqual([]);
    expect(made.takePop()).toBe(true);
  }
  expect(drain(made)).toEqual(["known"]);
  expect(made.isEmpty).toBe(true);
});
