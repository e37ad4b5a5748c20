/** A client that has sent more than is read ahead is noticed when it goes. */
import { once } from "node:events";
import { connect } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { LineReader, send, sized, TYPE } from "../conformance/gmq-line-wire.js";
import { type TestBroker, testBroker } from "./brokers.js";

const lineClient = async ({ tcp }: TestBroker): Promise<LineReader> => {
  const socket = connect({ port: tcp, host: "127.0.0.1", noDelay: true });
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return new LineReader(socket);
};

it("notices that a client goes whose pops began to wait when it was not read", async () => {
  const broker = await testBroker();
  const gone = await lineClient(broker);
  await send(gone.socket, "pop topic default\n".repeat(12_000));
  // The sign of life: it waits.
  expect(await gone.next()).toEqual([TYPE.ping, "ping"]);
  gone.socket.destroy();
  const since = performance.now();
  while (broker.broker.connections.all > 0) await new Promise(setImmediate);
  expect(performance.now() - since).toBeLessThan(2_000);
  const other = await lineClient(broker);
  await send(other.socket, `pub topic default 0\n${sized("a")}pop topic\n`);
  const [, popped] = await other.take(2);
  expect(popped).toEqual([TYPE.message, expect.stringContaining('"body":"a"')]);
});
