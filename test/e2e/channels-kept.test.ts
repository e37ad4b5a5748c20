/** Channels that can be replayed, as programs use them: where they begin, and how they go on. */
import { describe, expect, it } from "vitest";
import type { Resumption } from "../../src/client/arguments/options.js";
import type { ChannelMessage } from "../../src/client/channels/channel-message.js";
import type { Subscription } from "../../src/client/channels/subscription.js";
import type { Client } from "../../src/client/client.js";
import { sharedBroker } from "./brokers.js";
import { clientOf } from "./clients.js";
import { allConnected, nodesBecome, nodesClientOf, startNode } from "./nodes.js";

const broker = sharedBroker({ persist: true });

let channels = 0;
const newChannel = (): string => `kept-${++channels}`;

const bodies = (from: number, past: number): string[] => Array.from({ length: past - from }, (_, i) => `${from + i}`);

const publish = (client: Client, channel: string, from: number, past: number): Promise<unknown> =>
  Promise.all(bodies(from, past).map((body) => client.publishToChannel(channel, body)));

type Reader = AsyncIterator<ChannelMessage, undefined>;

const read = async (reader: Reader, count: number): Promise<ChannelMessage[]> => {
  const messages: ChannelMessage[] = [];
  while (messages.length < count) {
    const { value } = await reader.next();
    if (value === undefined) throw new Error("the subscription has ended");
    messages.push(value);
  }
  return messages;
};

const texts = async (reader: Reader, count: number): Promise<string[]> =>
  (await read(reader, count)).map((message) => message.text());

const resumed = (): { readonly promise: Promise<Resumption>; readonly onResumed: (r: Resumption) => void } => {
  let onResumed: (resumption: Resumption) => void = () => {};
  const promise = new Promise<Resumption>((resolve) => {
    onResumed = resolve;
  });
  return { promise, onResumed: (resumption) => onResumed(resumption) };
};

describe("a kept channel", () => {
  it("is read from its start, a position, a time, and from now on, and then followed", async () => {
    const client = await clientOf(broker().tcp);
    const channel = newChannel();
    const { id, durability } = await client.publishToChannel(channel, "0");
    expect([typeof id, durability]).toEqual(["string", "fsync"]);
    await publish(client, channel, 1, 5000);
    const readers = new Map<number, Subscription>();
    const all = await (await clientOf(broker().tcp)).subscribe(channel, { from: "start" });
    const [first, ...rest] = await read(all, 5000);
    expect(first?.id).toBe(id);
    expect(rest.map((message) => [message.position, message.text()])).toEqual(
      bodies(1, 5000).map((body) => [Number(body), body]),
    );
    readers.set(5000, all);
    const last = rest.at(-1);
    readers.set(1234, await (await clientOf(broker().tcp)).subscribe(channel, { from: { position: 1234 } }));
    const since = new Date(last?.time ?? 0);
    const sinceFirst = [...(first === undefined ? [] : [first]), ...rest].findIndex(
      ({ time = 0 }) => time >= since.getTime(),
    );
    readers.set(sinceFirst, await (await clientOf(broker().tcp)).subscribe(channel, { from: since }));
    const now = await (await clientOf(broker().tcp)).subscribe(channel, { from: "now" });
    expect(now.position).toBe(5000);
    await publish(client, channel, 5000, 5100);
    for (const [from, reader] of readers) {
      expect(await texts(reader, 5100 - from), `from ${from}`).toEqual(bodies(from, 5100));
      expect([reader.lost, reader.kept]).toEqual([0, true]);
    }
    expect(await texts(now, 100)).toEqual(bodies(5000, 5100));
  });

  it("is followed across the death of its shard, without a gap or a double", async () => {
    const [client, follower] = [await clientOf(broker().tcp), await clientOf(broker().tcp)];
    const channel = newChannel();
    const { promise, onResumed } = resumed();
    const subscription = await follower.subscribe(channel, { from: "start", onResumed });
    await publish(client, channel, 0, 1000);
    expect(await texts(subscription, 500)).toEqual(bodies(0, 500));
    await broker().broker.supervisor.kill(0);
    expect(await promise).toMatchObject({ recovered: true, lost: 0 });
    await publish(client, channel, 1000, 2000);
    expect(await texts(subscription, 1500)).toEqual(bodies(500, 2000));
  });

  it("says that what was in memory alone is missing, when its broker was killed", async () => {
    const node = await startNode(1, ["--persist"]);
    const channel = newChannel();
    const before = await clientOf(node.tcp);
    const { epoch } = await before.subscribe(channel, { from: "start" });
    await publish(before, channel, 0, 5);
    await before.configureChannel(channel, { durability: "memory" });
    await publish(before, channel, 5, 10);
    await before.configureChannel(channel, { durability: "fsync" });
    await publish(before, channel, 10, 12);
    await node.end("SIGKILL");
    await node.restart();
    const from = { position: 3, epoch };
    const gapped = await (await clientOf(node.tcp)).subscribe(channel, { from });
    expect(gapped.recovered).toBe(false);
    const seen = (await read(gapped, 4)).map((message) => [message.text(), message.lost]);
    expect(seen).toEqual([
      ["3", 0],
      ["4", 0],
      ["10", 5],
      ["11", 0],
    ]);
    const whole = await (await clientOf(node.tcp)).subscribe(channel, { from: { position: 10, epoch } });
    expect([whole.recovered, await texts(whole, 2)]).toEqual([true, ["10", "11"]]);
  });

  it("is configured, told of, listed and deleted", async () => {
    const client = await clientOf(broker().tcp);
    const channel = newChannel();
    expect(await client.configureChannel(channel, { maxMessages: 10 })).toMatchObject({ keep: true, maxMessages: 10 });
    await publish(client, channel, 0, 100);
    expect(await client.channelStats(channel)).toMatchObject({ kept: true, first: 90, next: 100, messages: 10 });
    const names: string[] = [];
    for await (const { name } of client.channels()) names.push(name);
    expect(names).toContain(channel);
    const subscription = await client.subscribe(channel, { from: { position: 0 } });
    const [first] = await read(subscription, 1);
    expect(first?.position).toBe(90);
    await subscription.return();
    expect(await client.deleteChannel(channel)).toBe(10);
    await expect(client.channelStats(channel)).rejects.toMatchObject({ code: "NO_TOPIC" });
  });
});

describe("a channel that is not kept", () => {
  it("has a history when a subscriber asks: one that comes back goes on where it was", async () => {
    const client = await clientOf(broker().tcp);
    const channel = newChannel();
    await client.configureChannel(channel, { keep: false });
    const before = await clientOf(broker().tcp);
    const subscription = await before.subscribe(channel, { recover: true });
    await publish(client, channel, 0, 10);
    await texts(subscription, 5);
    const { epoch, position = 0 } = subscription;
    await before.close();
    await publish(client, channel, 10, 20);
    const again = await client.subscribe(channel, { from: { position, epoch }, recover: true });
    expect([again.recovered, again.lost, again.kept]).toEqual([true, 0, false]);
    expect(await texts(again, 15)).toEqual(bodies(5, 20));
    await again.return();
    // A history lets go of whole batches.
    await publish(client, channel, 20, 1000);
    await publish(client, channel, 1000, 2000);
    const late = await client.subscribe(channel, { from: { position, epoch }, recover: true });
    expect([late.recovered, late.lost]).toEqual([false, 995]);
    expect((await read(late, 1)).map((message) => [message.text(), message.lost])).toEqual([["1000", 995]]);
  });

  it("gives a slow reader no more than its credit, and the last of each key where it conflates", async () => {
    const [client, slow] = [await clientOf(broker().tcp), await clientOf(broker().tcp)];
    const channel = newChannel();
    await client.configureChannel(channel, { keep: false });
    const subscription = await slow.subscribe(channel, { overflow: "conflate", credit: 1 });
    await client.publishToChannel(channel, "first", { key: "a" });
    await Promise.all(
      bodies(0, 300).map((body) => client.publishToChannel(channel, body, { key: Number(body) % 2 ? "odd" : "even" })),
    );
    await slow.ping();
    expect(subscription.buffered).toBe(1);
    expect(await texts(subscription, 3)).toEqual(["first", "298", "299"]);
  });

  it("holds its publishers' confirms back for a reader that blocks", async () => {
    const [client, slow] = [await clientOf(broker().tcp), await clientOf(broker().tcp)];
    const channel = newChannel();
    await client.configureChannel(channel, { keep: false });
    const subscription = await slow.subscribe(channel, { overflow: "block", credit: 100 });
    let confirmed = 0;
    const all = bodies(0, 9000).map((body) => client.publishToChannel(channel, body).then(() => confirmed++));
    await slow.ping();
    await client.ping();
    expect(confirmed).toBeLessThan(9000);
    expect(await texts(subscription, 9000)).toEqual(bodies(0, 9000));
    await Promise.all(all);
    expect(subscription.lost).toBe(0);
  });
});

describe("channels of several nodes", () => {
  it("are followed across the death of a node: what was confirmed comes once, in order", async () => {
    const nodes = await Promise.all([startNode(1, ["--persist"]), startNode(2, ["--persist"])]);
    const client = await nodesClientOf({ nodes: nodes.map(({ url }) => ({ url })) }, { select: "rendezvous" });
    await nodesBecome(client, allConnected(2));
    const channel = newChannel();
    const subscription = await client.subscribe(channel, { from: "start" });
    const { taken } = await client.publishToChannel(channel, "0");
    const home = nodes.find(({ url }) => url === taken[0]?.url);
    expect([taken.length, home === undefined]).toEqual([1, false]);
    await Promise.all(bodies(1, 500).map((body) => client.publishToChannel(channel, body)));
    expect(await texts(subscription, 100)).toEqual(bodies(0, 100));
    const events = client.status();
    await home?.end("SIGKILL");
    await home?.restart();
    for await (const event of events) {
      if (event.type !== "resumed") continue;
      expect(event).toMatchObject({ channel, resumption: { recovered: true, lost: 0 } });
      break;
    }
    await Promise.all(bodies(500, 600).map((body) => client.publishToChannel(channel, body)));
    expect(await texts(subscription, 500)).toEqual(bodies(100, 600));
    expect(subscription.lost).toBe(0);
  });
});
