/** Ids that were given out by a clock that was ahead are not given out again, whatever the clock says now. */
import { expect, it } from "vitest";
import { bodies, keeperOf, temporary } from "../inspection/data.js";
import { testBroker } from "./brokers.js";
import { clientOf } from "./clients.js";

const DAY = 86_400_000;
const TOPICS = ["a", "b", "c", "d", "e", "f"];

/** A data directory whose broker's clock was a day ahead, with topics for every shard. Answers its last id. */
const ahead = (data: string): bigint => {
  const keeper = keeperOf(data, { now: Date.now() + DAY });
  for (const topic of TOPICS) keeper.publish(bodies(2, topic), { topic });
  keeper.commit();
  const ids = keeper.state.flatMap(({ messages }) => messages.map(({ id }) => BigInt(id)));
  keeper.close();
  return ids.reduce((last, id) => (id > last ? id : last));
};

it.each([1, 3])("when it is started again with %i shards where there was one", async (shards) => {
  const data = temporary();
  const last = ahead(data);
  const { tcp } = await testBroker({ data, shards });
  const client = await clientOf(tcp);
  for (const topic of TOPICS) {
    const { id } = await client.publish(topic, "now");
    expect(BigInt(id), topic).toBeGreaterThan(last);
  }
});
