/** Typed topics over a broker: what is published, what is handed over, and what becomes of what is neither. */
import * as v from "valibot";
import { afterEach, beforeEach, expect, expectTypeOf, it } from "vitest";
import * as z from "zod";
import { type Client, codecs, type RingmqError, type StandardSchema, type Topic } from "../../../src/client/index.js";
import { createTestBroker, type TestBroker } from "../../../src/testing/index.js";

let broker: TestBroker;
let client: Client;

beforeEach(async () => {
  broker = createTestBroker();
  client = await broker.connect();
});

afterEach(() => broker.close());

const Order = z.object({ id: z.number().int(), placed: z.coerce.date() });

const deadLetters = async (topic: string): Promise<string[]> =>
  (await client.browse(topic, { state: "dead" })).map((message) => message.text());

it("a value of a named type goes as JSON, and comes back", async () => {
  const topic = client.topic<{ readonly id: number; readonly tags: string[] }>("orders");
  await topic.publish({ id: 7, tags: ["a", "ü"] }, { headers: { from: "web" } });
  await topic.publishBatch([
    { id: 8, tags: [] },
    { id: 9, tags: [] },
  ]);
  const consumer = await topic.consume();
  const seen: number[] = [];
  for await (const message of consumer) {
    expectTypeOf(message.value).toEqualTypeOf<{ readonly id: number; readonly tags: string[] }>();
    if (seen.length === 0) {
      expect(message.value).toEqual({ id: 7, tags: ["a", "ü"] });
      expect(message.json()).toEqual(message.value);
      expect(message.headers).toEqual({ from: "web" });
    }
    seen.push(message.value.id);
    await message.ack();
    if (seen.length === 3) break;
  }
  expect(seen).toEqual([7, 8, 9]);
  expect((await client.stats("orders")).acked).toBe(3);
});

it("a schema of zod checks what is published, and makes what is handed over", async () => {
  const orders = client.topic("orders", { schema: Order });
  expectTypeOf(orders).toEqualTypeOf<Topic<z.input<typeof Order>, z.output<typeof Order>>>();
  await orders.publish({ id: 1, placed: "2026-01-02" });
  const [message] = await orders.pop();
  expect(message?.value).toEqual({ id: 1, placed: new Date("2026-01-02") });
  // What travels is what the program gave.
  expect(message?.json()).toEqual({ id: 1, placed: "2026-01-02" });

  const refused = orders.publish({ id: 1.5, placed: "2026-01-02" });
  await expect(refused).rejects.toMatchObject({ code: "INVALID_MESSAGE", retryable: false });
  await expect(refused).rejects.toMatchObject({
    message: expect.stringMatching(/^the value is not what its schema takes: id: /),
    cause: [expect.objectContaining({ path: ["id"] })],
  });
  const batch = [
    { id: 2, placed: "2026-01-02" },
    { id: 3, placed: "never" },
  ];
  await expect(orders.publishBatch(batch)).rejects.toThrow(/^values\[1\] is not .*: placed: /);
  expect((await client.stats("orders")).published).toBe(1);
});

it("a schema that takes its time, of valibot", async () => {
  const known = v.pipeAsync(
    v.string(),
    v.checkAsync(async (name) => {
      await null;
      return name !== "nobody";
    }, "unknown user"),
  );
  const seen: string[] = [];
  const users = client.topic("users", { schema: known, onInvalid: (_, { message }) => seen.push(message) });
  await users.publish("ann");
  await expect(users.publish("nobody")).rejects.toThrow("the value is not what its schema takes: unknown user");
  await client.publish("users", '"nobody"');
  await users.publish("bob");
  const consumer = await users.consume();
  expect((await consumer.next()).value?.value).toBe("ann");
  expect((await consumer.next()).value?.value).toBe("bob");
  expect(seen).toEqual([expect.stringMatching(/^message \d+ is not what its schema takes: unknown user$/)]);
  expect(await deadLetters("users")).toEqual(['"nobody"']);
  await consumer.stop();
});

it("a message that cannot be read, or that the schema refuses or fails on, is a dead letter and ends no loop", async () => {
  const fails: StandardSchema<{ id: number }> = {
    "~standard": {
      version: 1,
      vendor: "own",
      validate: (value) => {
        if (Object(value).id === 13) throw new Error("bad luck");
        return Object(value).id === 4 ? Promise.reject(new Error("late")) : { value: value as { id: number } };
      },
    },
  };
  const invalid: [string, RingmqError][] = [];
  const topic = client.topic("t", {
    schema: fails,
    onInvalid: (message, error) => invalid.push([message.text(), error]),
  });
  await client.publishBatch("t", ["{", new Uint8Array([0xff, 0x22]), '{"id":13}', '{"id":4}', '{"id":5}']);
  const consumer = await topic.consume();
  const { value } = await consumer.next();
  expect(value?.value).toEqual({ id: 5 });
  await consumer.stop();
  expect(invalid.map(([, { code }]) => code)).toEqual(Array(4).fill("INVALID_MESSAGE"));
  expect(invalid.map(([, { message }]) => message.replace(/\d{15,}/, "N").slice(0, 40))).toEqual([
    expect.stringMatching(/^message N cannot be read: /),
    expect.stringMatching(/^message N cannot be read: "the bytes are/),
    "the schema failed on message N",
    "the schema failed on message N",
  ]);
  expect((await deadLetters("t")).length).toBe(4);
});

it.each([
  ["nothing", undefined],
  ["null", null],
  ["issues that are none", { issues: [null] }],
  ["a path that is none", { issues: [{ message: "no", path: 7 }] }],
])("a message of which a schema says %s is a dead letter too", async (_, said) => {
  for (const answer of [() => said, async () => said]) {
    const schema = { "~standard": { version: 1, vendor: "none", validate: answer } } as unknown as StandardSchema;
    const topic = client.topic("odd", { schema });
    await expect(topic.publish("x")).rejects.toMatchObject({ code: "INVALID_MESSAGE" });
    await client.publish("odd", '"x"');
    expect(await topic.pop()).toEqual([]);
  }
  expect(await deadLetters("odd")).toHaveLength(2);
});

it("codecs: each gives back what it was given, and refuses what it cannot write", async () => {
  const value = { a: [1, null, "ü", { b: true }], c: 2.5 };
  const packed = { ...value, bytes: new Uint8Array([1, 2]), large: 2n ** 60n };
  expect(codecs.json.decode(new TextEncoder().encode(codecs.json.encode(value) as string))).toEqual(value);
  expect(codecs.msgpack.decode(codecs.msgpack.encode(packed) as Uint8Array)).toEqual(packed);

  const bytes = client.topic("bytes", { codec: codecs.bytes });
  await bytes.publish(new Uint8Array([0, 255]));
  expect((await bytes.pop())[0]?.value).toEqual(new Uint8Array([0, 255]));
  const text = client.topic("text", { codec: codecs.text });
  await text.publish("héllo");
  expect((await text.pop())[0]?.value).toBe("héllo");

  const refused = { code: "INVALID_MESSAGE" };
  await expect(client.topic("json").publish(undefined)).rejects.toMatchObject(refused);
  await expect(client.topic("json").publish({ n: 1n })).rejects.toMatchObject(refused);
  const msgpack = client.topic("msgpack", { codec: codecs.msgpack });
  await expect(msgpack.publish({ when: new Date() })).rejects.toThrow(/the value cannot be written: "a Date cannot/);
  let deep: unknown = 1;
  for (let i = 0; i < 64; i++) deep = [deep];
  await msgpack.publish(deep);
  expect((await msgpack.pop())[0]?.value).toEqual(deep);
  await expect(msgpack.publish([deep])).rejects.toThrow(/at most 64 deep/);
  expect(() => codecs.msgpack.decode(new Uint8Array([0x91]))).toThrow();
});

it("a codec of the program's own may give anything, and what is no body is refused as any other", async () => {
  const topic = client.topic("t", { codec: { encode: () => 5 as never, decode: () => 5 } });
  await expect(topic.publish(1)).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
});

it("an unknown option is refused", () => {
  expect(() => client.topic("t", { scheme: Order } as never)).toThrow(/"scheme".*schema/);
});

it("the body of any message as JSON", async () => {
  await client.publishBatch("t", ['{"a":1}', "{"]);
  const [first, second] = await client.pop("t", { max: 2 });
  expect(first?.json<{ a: number }>().a).toBe(1);
  expect(() => second?.json()).toThrow(expect.objectContaining({ code: "INVALID_MESSAGE" }));
});

it("a worker gets values; what is not valid is a dead letter, and its handler does not see it", async () => {
  const orders = client.topic("orders", { schema: Order });
  const seen: unknown[] = [];
  const worker = await orders.work(
    (message, { attempt }) => {
      expectTypeOf(message.value).toEqualTypeOf<{ id: number; placed: Date }>();
      seen.push([message.value, attempt]);
      if (attempt === 1) throw new Error("again");
    },
    { concurrency: 2 },
  );
  await client.publish("orders", '{"id":"one"}');
  await orders.publish({ id: 1, placed: "2026-01-02" });
  await broker.clock.advance("1 s");
  const value = { id: 1, placed: new Date("2026-01-02") };
  expect(seen).toEqual([
    [value, 1],
    [value, 2],
  ]);
  expect(worker.failed).toBe(1);
  expect(await deadLetters("orders")).toEqual(['{"id":"one"}']);
  await expect(orders.work(7 as never)).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
});
