/** The end of keeping: what is sent before that is on disk. */
import { beforeEach, expect, it } from "vitest";
import type { Effect } from "../model/effects.js";
import { ChannelsByHand } from "./by-hand.js";

let channels: ChannelsByHand;

beforeEach(() => {
  channels = new ChannelsByHand();
  channels.configure("c", { keep: true });
});

/** For whom messages are, at which position, and whether they need not wait for the disk. */
const sent = (effects: readonly Effect[]): unknown[] =>
  effects.flatMap((effect) =>
    effect.kind === "channelMessages" ? [[...effect.connections, effect.position, effect.isDurable]] : [],
  );

const ENDS: [string, () => unknown][] = [
  ["is deleted", () => channels.delete("c")],
  ["is not kept any more", () => channels.configure("c", { keep: false })],
  ["is kept in memory from now on", () => channels.configure("c", { durability: "memory" })],
];

it.each(ENDS)("nothing is sent whose position a restart may give again, when a channel %s", (_, end) => {
  channels.publish("c");
  channels.subscribe("c", 1);
  channels.subscribe("c", 2, { credit: 0 }, "conflate");
  channels.settle();
  channels.publish("c", 1, { key: "a" });
  end();
  expect(sent(channels.publish("c", 1, { key: "b" }))).toEqual([[1, 2, false]]);
  const { by } = channels;
  by.ask({ op: "channelCredit", channel: "c", credit: 9 }, 2);
  by.shard.turn(by.now);
  expect(sent(by.recorder.take())).toEqual([
    [2, 1, false],
    [2, 2, false],
  ]);
  channels.commit();
  expect(sent(channels.publish("c"))).toEqual([[1, 3, true]]);
});
