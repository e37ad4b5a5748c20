/** gmq's first generation: clients that send much, or what is wrong, without waiting for answers. */
import { expect, it } from "vitest";
import { testBroker } from "../e2e/brokers.js";
import { ack, ERROR, FrameClient, JOB, MESSAGE, pop, push } from "./gmq-frame-client.js";

const start = (options = {}) => testBroker({ durability: "memory", shards: 2, ...options });

const times = (count: number, bytes: Buffer): Buffer => Buffer.concat(new Array<Buffer>(count).fill(bytes));

it("answers each of many pushes of one id that are sent ahead", async () => {
  const client = await FrameClient.open(await start());
  const count = 10_000;
  client.send(times(count, push({ Id: 1, Topic: "t", Body: "x".repeat(100) })));
  const answers = await client.hears(count);
  expect(answers[0]).toBe(MESSAGE("1"));
  expect(new Set(answers.slice(1))).toEqual(new Set([ERROR("job 1 has exist")]));
});

it("carries out pushes, pops and acks in turn, sent ahead in megabytes", async () => {
  const client = await FrameClient.open(await start());
  const body = "x".repeat(300);
  const ids = Array.from({ length: 3_000 }, (_, i) => `job ${i}`);
  client.send(...ids.flatMap((Id) => [push({ Id, Topic: "t", TTR: 60, Body: body }), pop("t"), ack(Id)]));
  const answers = await client.hears(3 * ids.length);
  for (const [i, id] of ids.entries()) {
    expect(answers.slice(3 * i, 3 * i + 3)).toEqual([
      MESSAGE(id),
      JOB(`{"Id":"${id}","Topic":"t","Delay":0,"TTR":60,"Body":"${body}","Status":3,"ConsumeNum":0}`),
      MESSAGE("success"),
    ]);
  }
});

it("answers what came before bytes that are no request", async () => {
  const client = await FrameClient.open(await start());
  client.send(push({ Id: 1, Topic: "t" }), pop("t"), pop("t"), Buffer.from("rubbish"));
  await client.closed;
  expect(client.answers).toEqual([
    MESSAGE("1"),
    JOB('{"Id":1,"Topic":"t","Delay":0,"TTR":0,"Body":"","Status":3,"ConsumeNum":0}'),
    MESSAGE("nothing"),
    ERROR("a request begins with v111"),
  ]);
});
