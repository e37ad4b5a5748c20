/**
 * Whatever bytes come, a broker lives, others do not notice, and what was confirmed is delivered. `RINGMQ_FUZZ_RUNS` sets
 * how many inputs there are.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { testBroker } from "../e2e/brokers.js";
import { ack, FrameClient, MESSAGE, pop, push, request } from "./gmq-frame-client.js";

const RUNS = Number(process.env["RINGMQ_FUZZ_RUNS"] ?? 2_000);

const id = fc.oneof(fc.integer({ min: -2, max: 20 }), fc.string({ maxLength: 3 }), fc.jsonValue());
const topic = fc.constantFrom("a", "b", "c", "", "x".repeat(300));

const valid = fc.oneof(
  fc
    .record({ Id: id, Topic: topic, TTR: fc.integer({ min: -1, max: 2 }), Body: fc.string() }, { requiredKeys: [] })
    .map(push),
  fc.array(topic, { maxLength: 4 }).map((topics) => pop(topics.join(","))),
  id.map(ack),
  fc.constant(request("ping")),
  fc.tuple(fc.string({ maxLength: 6 }), fc.string()).map(([name, data]) => request(name, data)),
);

/** Requests in which some bytes are others. */
const damaged = fc
  .tuple(valid, fc.array(fc.tuple(fc.nat({ max: 40 }), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }))
  .map(([bytes, changes]) => {
    const copy = Buffer.from(bytes);
    for (const [at, byte] of changes) copy[at % copy.length] = byte;
    return copy;
  });

const garbage = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.concat([Buffer.from("v111"), bytes]));

const input = fc.array(fc.oneof({ weight: 4, arbitrary: valid }, { weight: 2, arbitrary: damaged }, garbage), {
  minLength: 1,
  maxLength: 8,
});

it("lives through anything that begins with v111", { timeout: 3_600_000 }, async () => {
  const broker = await testBroker({ durability: "memory", shards: 2 });
  const bystander = await FrameClient.open(broker);
  let number = 0;
  await fc.assert(
    fc.asyncProperty(input, fc.nat(), fc.boolean(), async (requests, at, ends) => {
      const bytes = Buffer.concat([request("ping"), ...requests]);
      const client = await FrameClient.open(broker);
      client.send(bytes.subarray(0, at % (bytes.length + 1)));
      client.send(bytes.subarray(at % (bytes.length + 1)));
      if (ends) {
        client.socket.end();
        await client.closed;
        expect(client.rest).toHaveLength(0);
      }
      client.socket.destroy();
      number++;
      if (number % 50 === 0) {
        const job = { Id: `bystander ${number}`, Topic: "bystander", TTR: 9, Body: "b" };
        expect(await bystander.ask(push(job))).toBe(MESSAGE(job.Id));
        expect(await bystander.ask(pop("bystander"))).toContain(job.Id);
        expect(await bystander.ask(ack(job.Id))).toBe(MESSAGE("success"));
      }
    }),
    { numRuns: RUNS },
  );
  bystander.socket.destroy();
  const deadline = performance.now() + 20_000;
  while (broker.broker.connections.all > 0 && performance.now() < deadline) await new Promise(setImmediate);
  expect(broker.broker.usage).toMatchObject({ connections: 0, sessions: 0, assemblyBytes: 0, unsentBytes: 0 });
});
