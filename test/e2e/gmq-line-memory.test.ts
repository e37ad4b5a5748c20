/** gmq's line protocol when others hold all memory for commands that are not whole. */
import { once } from "node:events";
import { connect } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { LineReader, send, u32 } from "../conformance/gmq-line-wire.js";
import { testBroker } from "./brokers.js";

const MAX_MESSAGE_BYTES = 64 * 1024;

it("carries out commands that came together, although none of them can be held", async () => {
  const { tcp } = await testBroker({ maxMessageBytes: MAX_MESSAGE_BYTES, memory: 16 * 1024 * 1024 });
  const client = async (): Promise<LineReader> => {
    const socket = connect({ port: tcp, host: "127.0.0.1", noDelay: true });
    onTestFinished(() => void socket.destroy());
    await once(socket, "connect");
    return new LineReader(socket);
  };
  const busy = await client();
  await send(busy.socket, "still here\n");
  expect(await busy.next()).toBeDefined();
  // Each size until one is refused.
  for (const size of [60_000, 30_000, 15_000, 7_000]) {
    for (let isRefused = false; !isRefused; ) {
      const holder = await client();
      await send(holder.socket, `still here\npub t  0\n${u32(MAX_MESSAGE_BYTES)}${"x".repeat(size)}`);
      await holder.next();
      // What is behind a command has been looked at when the next client has been answered.
      await send(busy.socket, "still here\n");
      await busy.next();
      isRefused = holder.hasEnded;
    }
  }
  await send(busy.socket, `${"ping x\n".repeat(4_000)}still here\n`);
  expect(await busy.next()).toEqual([102, "E_INVALID_CMD - unkown cmd: still"]);
});
