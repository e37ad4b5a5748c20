/** What a broker refuses for now is asked for again after a while: on a connection that comes meanwhile at once, and once. */
import { expect, it, onTestFinished } from "vitest";
import { readConnect } from "../../../src/client/arguments/connect-checks.js";
import type { Client } from "../../../src/client/client.js";
import { connectClient } from "../../../src/client/connect.js";
import { ERRORS } from "../../../src/protocol/errors.js";
import { Op } from "../../../src/protocol/op.js";
import { VirtualClock } from "../../../src/testing/virtual-clock.js";
import { answerTo, error, type Frame, hello, result, ScriptedBroker } from "../scripted-broker.js";
import { unhandledRejections } from "../unhandled-rejections.js";

/**
 * A client whose broker confirms the first request of this operation, refuses the second for now, and answers as it is told
 * from then on. It has lost its connection after the first, and after the second.
 */
const refused = async (op: number, begin: (client: Client) => Promise<unknown>, confirmed: (seen: Frame) => Buffer) => {
  const unhandled = unhandledRejections();
  const clock = new VirtualClock(0);
  const broker = await ScriptedBroker.start(hello());
  let asked = 0;
  broker.answer = (seen) => {
    if (seen.op !== op) return broker.send(answerTo(seen));
    const isRefused = ++asked === 2;
    broker.send(isRefused ? error(seen.request, ERRORS.BUSY.code, "not now", true, false) : confirmed(seen));
  };
  const client = await connectClient([broker.url], readConnect({}), { clock });
  onTestFinished(() => client.close());
  await begin(client);
  broker.socket.destroy();
  await broker.seen(op, 2);
  // Its answer has come by then.
  await client.ping();
  return { unhandled, clock, broker, client };
};

const REQUESTS: readonly [string, number, (client: Client) => Promise<unknown>, (seen: Frame) => Buffer][] = [
  ["a responder", Op.RESPOND, (client) => client.respond("c", () => ""), answerTo],
  ["a consumer", Op.CONSUME, (client) => client.consume("t"), answerTo],
  [
    "a subscription",
    Op.SUBSCRIBE,
    (client) => client.subscribe("c", { from: "start" }),
    ({ request }) => result(request, { epoch: "e", position: 0 }),
  ],
];

it.each(REQUESTS)("%s", async (_, op, begin, confirmed) => {
  const { unhandled, clock, broker, client } = await refused(op, begin, confirmed);
  broker.socket.destroy();
  await broker.seen(op, 3);
  await client.ping();
  clock.moveTo(10_000);
  await client.ping();
  expect(await broker.seen(op)).toHaveLength(3);
  expect(unhandled).toEqual([]);
});

it("a consumer that waits ends with its client, though its connection was lost meanwhile", async () => {
  const consumers: { readonly closed: Promise<unknown> }[] = [];
  const begin = async (client: Client) => consumers.push(await client.consume("t"));
  const { unhandled, broker, client } = await refused(Op.CONSUME, begin, answerTo);
  await broker.stop();
  for await (const { type } of client.status()) if (type === "reconnecting") break;
  await client.close();
  expect(await consumers[0]?.closed).toBeUndefined();
  expect(unhandled).toEqual([]);
});
