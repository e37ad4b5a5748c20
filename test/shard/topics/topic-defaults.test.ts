/** The TTR and the retries that a broker gives to topics that nobody has configured. */
import { expect, it } from "vitest";
import { DEFAULT_CONFIG } from "../../../src/shard/topics/topic.js";
import { IDLE, ShardByHand } from "../shard-by-hand.js";

const SHORT = { ttr: 5_000, retries: 1 };

const configOf = (hand: ShardByHand, topic: string) => hand.shard.directory.find(topic)?.config;

it("a topic that is made by its use has the broker's TTR and retries", () => {
  const hand = new ShardByHand({ topicDefaults: SHORT });
  hand.publish("t");
  expect(configOf(hand, "t")).toEqual({ ...DEFAULT_CONFIG, ...SHORT });
  hand.pop("t", 0);
  hand.wait(SHORT.ttr - 1);
  expect(hand.pop("t", 0)).toMatchObject([{ kind: "messages", messages: [] }]);
  hand.wait(1);
  expect(hand.pop("t", 0)).toMatchObject([{ messages: [{ retry: 1 }] }]);
});

it("a topic that nobody has configured follows the broker that it is read back in", () => {
  const hand = new ShardByHand({ topicDefaults: SHORT });
  hand.publish("t");
  expect(configOf(hand.restarted(), "t")).toEqual(DEFAULT_CONFIG);
  expect(configOf(hand.restarted({ topicDefaults: { ttr: 1_000 } }), "t")).toEqual({ ...DEFAULT_CONFIG, ttr: 1_000 });
});

it("a configuration stays what it was, whatever the defaults of later brokers", () => {
  const hand = new ShardByHand({ topicDefaults: SHORT });
  hand.configure("t", { ttr: DEFAULT_CONFIG.ttr });
  const config = { ...DEFAULT_CONFIG, retries: SHORT.retries };
  expect(configOf(hand.restarted(), "t")).toEqual(config);
  // Of the defaults of this broker, and still configured.
  const same = hand.restarted({ topicDefaults: { retries: SHORT.retries } });
  same.publish("u");
  expect(configOf(same.restarted({ topicDefaults: { ttr: 1_000, retries: 9 } }), "t")).toEqual(config);
});

it("a configuration that is the default one when it is made stays as well", () => {
  const hand = new ShardByHand({ topicDefaults: SHORT });
  hand.configure("t", SHORT);
  expect(configOf(hand.restarted(), "t")).toEqual({ ...DEFAULT_CONFIG, ...SHORT });
});

it("a topic is forgotten when its configuration is the broker's default one", () => {
  const hand = new ShardByHand({ topicDefaults: SHORT });
  hand.configure("like the broker", SHORT);
  hand.configure("like any broker", DEFAULT_CONFIG);
  hand.wait(2 * IDLE);
  expect(hand.names).toEqual(["like any broker"]);
});
