/** Channels on several nodes: where they are, what is published, and how a subscription goes on. */
import { describe, expect, it, onTestFinished } from "vitest";
import { connectNodes } from "../../../src/client/nodes/connect-nodes.js";
import type { NodesClient } from "../../../src/client/nodes/nodes-client.js";
import type { NodesSubscription } from "../../../src/client/nodes/nodes-subscription.js";
import type { ConnectNodesOptions, NodesEvent } from "../../../src/client/nodes/options.js";
import { ERRORS } from "../../../src/protocol/errors.js";
import { Answer, Op } from "../../../src/protocol/op.js";
import { bodiesOf, confirm, entries, error, frame, hello, result, ScriptedBroker } from "../scripted-broker.js";
import { statesBecome } from "./scripted-nodes.js";

const messages = (position: number, ...bodies: readonly string[]): Buffer =>
  frame(Answer.CHANNEL_MESSAGES, 0, ["news", position], entries(...bodies));

/** Answers SUBSCRIBE with what `begun` makes of how often it was asked, and everything else with a CONFIRM. */
const serving = (broker: ScriptedBroker, begun: (count: number) => object): void => {
  let count = 0;
  broker.answer = ({ op, request }) => {
    if (op === Op.SUBSCRIBE) broker.send(result(request, begun(count++)));
    else if (request !== 0) broker.send(confirm({ request, messages: 2 }));
  };
};

interface Nodes {
  readonly client: NodesClient;
  readonly first: ScriptedBroker;
  readonly second: ScriptedBroker;
}

const twoNodes = async (options: ConnectNodesOptions = {}): Promise<Nodes> => {
  const [first, second] = await Promise.all([ScriptedBroker.start(hello()), ScriptedBroker.start(hello())]);
  serving(first, () => ({ epoch: "1", position: 10 }));
  serving(second, () => ({ epoch: "2", position: 20 }));
  const client = await connectNodes({ nodes: [{ url: first.url }, { url: second.url }] }, options);
  onTestFinished(() => client.close());
  await statesBecome(client, "connected", "connected");
  return { client, first, second };
};

const take = async (subscription: NodesSubscription, count: number): Promise<string[]> => {
  const taken: string[] = [];
  while (taken.length < count) {
    const { value } = await subscription.next();
    taken.push(value === undefined ? "end" : `${value.epoch} ${value.position} ${value.text()} ${value.lost}`);
  }
  return taken;
};

/** Resolves with the first event of a kind. */
const eventOf = async <T extends NodesEvent["type"]>(
  events: AsyncIterable<NodesEvent>,
  type: T,
): Promise<NodesEvent> => {
  for await (const event of events) if (event.type === type) return event;
  throw new Error("unreachable");
};

describe("a channel on all nodes", () => {
  it("is heard from all of them, of each in its order", async () => {
    const { client, first, second } = await twoNodes();
    const subscription = await client.subscribe("news", { recover: true });
    const [one, other] = [await first.nth(Op.SUBSCRIBE), await second.nth(Op.SUBSCRIBE)];
    for (const { head } of [one, other])
      expect(head).toEqual(["news", null, { from: "now", recover: true, credit: 16 }]);
    first.send(messages(10, "a", "b"));
    expect(await take(subscription, 2)).toEqual(["1 10 a 0", "1 11 b 0"]);
    second.send(messages(20, "c"));
    expect(await take(subscription, 1)).toEqual(["2 20 c 0"]);
    await subscription.return();
    await Promise.all([first.nth(Op.UNSUBSCRIBE), second.nth(Op.UNSUBSCRIBE)]);
    expect(await subscription.next()).toEqual({ done: true, value: undefined });
  });

  it("is published to all of them, in order, and each tells", async () => {
    const { client, first, second } = await twoNodes();
    const receipts = await Promise.all(["a", "b"].map((body) => client.publishToChannel("news", body, { key: "k" })));
    for (const broker of [first, second]) {
      const published = await broker.nth(Op.PUBLISH_CHANNEL);
      expect([published.head, bodiesOf(published)]).toEqual([
        ["news", "k"],
        ["a", "b"],
      ]);
    }
    expect(receipts[0]?.subscribers).toBe(4);
    expect(receipts[0]?.taken.map(({ url }) => url)).toEqual([first.url, second.url]);
  });

  it("tells which of them have not taken a message, and rejects when none has", async () => {
    const { client, first, second } = await twoNodes();
    const refuse = (broker: ScriptedBroker): void => {
      broker.answer = ({ request }) => broker.send(error(request, ERRORS.MEMORY_FULL.code, "full", true, false));
    };
    refuse(first);
    const { subscribers, failed } = await client.publishToChannel("news", "a");
    expect([subscribers, failed.map(({ url, error: { code } }) => [url, code])]).toEqual([
      2,
      [[first.url, "MEMORY_FULL"]],
    ]);
    refuse(second);
    await expect(client.publishToChannel("news", "b")).rejects.toMatchObject({ code: "MEMORY_FULL" });
    await expect(client.publishToChannel("", "b")).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  });
});

describe("a channel on one node", () => {
  it("is where the selector says", async () => {
    const { client, first, second } = await twoNodes({ select: (channel, servers) => servers.slice(Number(channel)) });
    await client.subscribe("1");
    await second.nth(Op.SUBSCRIBE);
    await client.publishToChannel("1", "a");
    expect(first.frames.filter(({ op }) => op === Op.SUBSCRIBE || op === Op.PUBLISH_CHANNEL)).toEqual([]);
    await expect(client.publishToChannel("2", "nowhere")).rejects.toMatchObject({ code: "CONNECT_FAILED" });
  });
});

describe("a node that is lost", () => {
  it("is gone on at from where it was, behind what had come, and that is told", async () => {
    const { client, first } = await twoNodes();
    serving(first, (count) =>
      count === 0 ? { epoch: "1", position: 10 } : { epoch: "1", position: 14, recovered: true },
    );
    const resumed: boolean[] = [];
    const subscription = await client.subscribe("news", { onResumed: ({ recovered }) => void resumed.push(recovered) });
    const events = client.status();
    first.send(messages(10, "a", "b"), messages(12, "c", "d"));
    expect(await take(subscription, 1)).toEqual(["1 10 a 0"]);
    first.socket.destroy();
    const event = await eventOf(events, "resumed");
    expect(event).toMatchObject({
      channel: "news",
      node: { url: first.url },
      resumption: { epoch: "1", position: 14, recovered: true, lost: 0 },
    });
    expect((await first.nth(Op.SUBSCRIBE, 2)).head[2]).toMatchObject({ position: 14, epoch: "1" });
    first.send(messages(14, "e"));
    expect(await take(subscription, 4)).toEqual(["1 11 b 0", "1 12 c 0", "1 13 d 0", "1 14 e 0"]);
    expect(resumed).toEqual([true]);
  });

  it("may have begun again: nobody knows how much is lost", async () => {
    const { client, first } = await twoNodes();
    serving(first, (count) =>
      count === 0 ? { epoch: "1", position: 10 } : { epoch: "9", position: 0, recovered: false },
    );
    await client.subscribe("news");
    const events = client.status();
    first.socket.destroy();
    const event = await eventOf(events, "resumed");
    expect(event).toMatchObject({ resumption: { epoch: "9", position: 0, recovered: false, lost: undefined } });
  });

  it("may know how much is lost", async () => {
    const { client, first } = await twoNodes();
    const again = { epoch: "1", position: 15, recovered: false, lost: 5 };
    serving(first, (count) => (count === 0 ? { epoch: "1", position: 10 } : again));
    const subscription = await client.subscribe("news");
    const events = client.status();
    first.socket.destroy();
    expect(await eventOf(events, "resumed")).toMatchObject({ resumption: again });
    first.send(messages(15, "a"));
    expect(await take(subscription, 1)).toEqual(["1 15 a 5"]);
    expect(subscription.lost).toBe(5);
  });
});

describe("a subscription", () => {
  it("is refused when every node refuses it for good", async () => {
    const { client, first, second } = await twoNodes();
    for (const broker of [first, second]) {
      broker.answer = ({ request }) => broker.send(error(request, ERRORS.BAD_NAME.code, "no", false, false));
    }
    await expect(client.subscribe("news")).rejects.toMatchObject({ code: "BAD_NAME" });
    await expect(client.subscribe("news", { from: { position: 1 } })).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  });

  it("is read to its end by the drain of its client", async () => {
    const { client, first } = await twoNodes();
    const subscription = await client.subscribe("news");
    first.send(messages(10, "a", "b"));
    expect(await take(subscription, 1)).toEqual(["1 10 a 0"]);
    const drained = client.drain();
    expect(await take(subscription, 2)).toEqual(["1 11 b 0", "end"]);
    await drained;
  });
});
