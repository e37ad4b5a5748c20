/** What is done to a topic or a channel itself is as durable as what is in it, and no less than the broker's level says. */
import { expect, it, vi } from "vitest";
import { Durability } from "../../../src/protocol/op.js";
import type { TopicConfig } from "../../../src/shard/command.js";
import type { Effects } from "../../../src/shard/effects.js";
import { ShardByHand } from "../shard-by-hand.js";

type Asked = Parameters<ShardByHand["ask"]>[0];

const topic = "t";
const queue = "q";

/** What operators do, in an order in which all of it can be done. */
const DEEDS: readonly Asked[] = [
  { op: "declareQueue", topic, queue },
  { op: "pause", topic, queue },
  { op: "resume", topic, queue },
  { op: "deleteQueue", topic, queue },
  { op: "deleteTopic", topic },
  { op: "deleteChannel", channel: "c" },
];

it.each<[keyof typeof Durability, NonNullable<TopicConfig["durability"]>, keyof typeof Durability]>([
  ["write", "fsync", "fsync"],
  ["write", "memory", "write"],
  ["fsync", "write", "fsync"],
])("in a broker with %s, of a topic with %s: what is done is %s, and asks for that", (level, durability, reached) => {
  const hand = new ShardByHand({ level: Durability[level] });
  const { log } = hand.shard.store;
  const confirm = vi.spyOn(hand.recorder as Effects, "confirm");
  hand.configure(topic, { durability });
  hand.ask({ op: "configureChannel", channel: "c", config: { keep: true, durability } });
  for (const deed of DEEDS) {
    log.markDurable(log.position);
    expect(hand.ask(deed), deed.op).toMatchObject([{ kind: "confirm" }]);
    expect([confirm.mock.lastCall?.[6], log.demand], deed.op).toEqual([Durability[reached], Durability[reached]]);
  }
});
