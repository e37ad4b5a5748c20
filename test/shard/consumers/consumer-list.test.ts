import { expect, it } from "vitest";
import { ShardByHand } from "../shard-by-hand.js";

const listed = (hand: ShardByHand, after: number, max: number): unknown => {
  const answer = hand.ask({ op: "consumers", after, max }, 9).at(-1);
  if (answer?.kind !== "result") throw new Error("a list is answered with a RESULT");
  return answer.value;
};

it("lists consumers and waiting pops with what they hold, a page at a time", () => {
  const hand = new ShardByHand();
  hand.shard.name(1, "billing");
  hand.ask({ op: "consume", topic: "t", queue: "", credit: 2, renew: false }, 1);
  hand.ask({ op: "consume", topic: "t", queue: "", credit: 1, renew: true }, 2);
  hand.ask({ op: "pop", topic: "u", queue: "", max: 5, wait: 1_000, maxBytes: 1_000 }, 3);
  hand.shard.apply({ op: "hold", connection: 2 }, hand.now);
  hand.publish("t", { count: 2 });
  hand.shard.turn(hand.now);
  const consumer = { topic: "t", queue: "default", pop: false };
  const first = {
    ...consumer,
    number: 1,
    connection: 1,
    client: "billing",
    state: "no-credit",
    credit: 0,
    inFlight: 2,
  };
  const second = { ...consumer, number: 2, connection: 2, client: "", state: "held", credit: 1, inFlight: 0 };
  expect(listed(hand, 0, 2)).toEqual([[first, second], true]);
  const third = { number: 3, connection: 3, client: "", topic: "u", queue: "default", pop: true };
  expect(listed(hand, 2, 2)).toEqual([[{ ...third, state: "waiting", credit: 5, inFlight: 0 }], false]);
  hand.shard.apply({ op: "disconnect", connection: 2 }, hand.now);
  expect(listed(hand, 0, 1)).toEqual([[first], true]);
  expect(listed(hand, 1, 1)).toMatchObject([[third], false]);
});
