/** Why nothing arrives, as clients, HTTP and `ringmq explain` tell it. What there is to find is in test/shard/consumers/explanations.test.ts. */
import { expect, it } from "vitest";
import type { Finding } from "../../src/client/index.js";
import { Op } from "../../src/protocol/op.js";
import { frame } from "../main/frames.js";
import { sharedBroker } from "./brokers.js";
import { clientOf } from "./clients.js";
import { NativeClient } from "./native-client.js";
import { Shell } from "./shell.js";

const broker = sharedBroker({ shards: 2, maxOutgoingBytes: 64 * 1024 });

const codes = (findings: readonly Finding[]): string[] => findings.map(({ code }) => code);

it("is told to a client, from no topic to a queue where nothing is wrong", async () => {
  const client = await clientOf(broker().tcp);
  expect(codes(await client.explain("jobs"))).toEqual(["NO_TOPIC"]);
  await client.publish("jobs", "a");
  expect(await client.explain("jobs")).toMatchObject([
    { code: "NO_CONSUMER", queue: "default", details: { ready: 1 } },
  ]);
  await using consumer = await client.consume("jobs", { prefetch: 1 });
  const { value: message } = await consumer[Symbol.asyncIterator]().next();
  await client.publish("jobs", "b");
  const [noCredit, inFlight, ...rest] = await client.explain("jobs", { queue: "" });
  expect(noCredit).toMatchObject({ code: "NO_CREDIT", details: { ready: 1, consumers: 1 } });
  expect(inFlight).toMatchObject({ code: "IN_FLIGHT", details: { inFlight: 1, isExact: true } });
  expect(rest).toEqual([]);
  await message?.ack();
  await client.purge("jobs", { state: "all" });
  expect(codes(await client.explain("jobs", { routeKey: "nowhere" }))).toEqual(["NO_ROUTE", "DROPPED", "EMPTY"]);
  await expect(client.explain("jobs", { route: "x" } as object)).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
});

it("names a connection that takes too little", async () => {
  const { tcp, broker: running } = broker();
  const client = await clientOf(tcp);
  const reader = await NativeClient.greeted(tcp);
  await client.publishBatch("flood", Array(250).fill("x".repeat(50_000)));
  reader.socket.pause();
  reader.send(frame(Op.CONSUME, 7, ["flood", "", 250]));
  let held: Finding | undefined;
  while (held === undefined) {
    held = (await client.explain("flood")).find(({ code }) => code === "CONSUMERS_HELD");
  }
  const [slow] = running.connections.page(0, 100).connections.filter((connection) => connection.held);
  expect(held.details).toMatchObject({ held: 1, consumers: 1, connections: [slow?.id] });
  await client.closeConnection(slow?.id ?? 0);
  await expect.poll(async () => codes(await client.explain("flood"))[0]).toBe("NO_CONSUMER");
});

it("is told over HTTP and by the program", async () => {
  const { tcp, http } = broker();
  const client = await clientOf(tcp);
  await client.declareQueue("geo", "eu");
  await client.pause("geo", { queue: "eu" });
  await client.publish("geo", "x", { routeKey: "eu" });
  const at = async (query: string): Promise<unknown> =>
    (await fetch(`http://127.0.0.1:${http}/explain?${query}`)).json();
  expect(await at("topic=geo&queue=eu&route=eu")).toEqual(await client.explain("geo", { queue: "eu", routeKey: "eu" }));
  expect(await at("topic=none")).toMatchObject([{ code: "NO_TOPIC", queue: null }]);
  expect(await at("queue=eu")).toEqual({ error: { code: "BAD_QUERY", text: "topic is missing" } });
  const shell = new Shell(undefined, { RINGMQ_SERVER: `tcp://127.0.0.1:${tcp}` });
  expect(await shell.output("ringmq explain geo --route asia")).toBe(
    [
      "the route key names none of the queues; there are eu",
      "eu: the queue is paused until it is resumed; 1 message is ready",
      "eu: nobody consumes from the queue or waits at it; 1 message is ready",
      "",
    ].join("\n"),
  );
  const lines = (await shell.output("ringmq explain geo --json")).trim().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as Finding).code)).toEqual(["PAUSED", "NO_CONSUMER"]);
});
