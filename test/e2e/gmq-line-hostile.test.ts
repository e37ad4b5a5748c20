/** Clients of the line protocol that behave badly: they cost themselves their connection, and others nothing. */
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { LineReader, send, sized, u32 } from "../conformance/gmq-line-wire.js";
import { testBroker } from "./brokers.js";

const open = (port: number): Socket => {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
};

const ask = async (reader: LineReader, bytes: string): Promise<string> => {
  await send(reader.socket, bytes);
  const response = await reader.next();
  return response === undefined ? "closed" : `${response[0]} ${response[1]}`;
};

it("one that pops much and never reads holds little of the broker's memory, and keeps nobody from it", async () => {
  const maxOutgoingBytes = 1024 * 1024;
  const { broker, tcp } = await testBroker({ durability: "memory", maxOutgoingBytes });
  const body = "x".repeat(10_000);
  const other = new LineReader(open(tcp));
  for (let i = 0; i < 50; i++) {
    await send(other.socket, `pub t  0\n${sized(body)}`.repeat(100));
    await other.take(100);
  }
  const lazy = open(tcp);
  lazy.pause();
  lazy.write("pop t default\n".repeat(5_000));
  const until = performance.now() + 3_000;
  let most = 0;
  while (performance.now() < until) {
    most = Math.max(most, broker.usage.unsentBytes);
    await delay(5);
    expect(await ask(other, "ack 1 t\n")).toBe("102 msgId:1 is not exist");
  }
  expect(most).toBeGreaterThan(0);
  // Beside the limit what was under way: eight pops of a megabyte.
  expect(most).toBeLessThan(maxOutgoingBytes + 12 * 1024 * 1024);
  lazy.destroy();
  while (broker.usage.unsentBytes > 0) await delay(5);
  expect(await ask(other, `pub u  0\n${sized("a")}`)).toMatch(/^103/);
});

it("one that claims four gigabytes gets an error, and its memory is not taken", async () => {
  const { broker, tcp } = await testBroker({ durability: "memory" });
  const reader = new LineReader(open(tcp));
  const claims = [
    `pub t  0\n${u32(0xffff_ffff)}`,
    `publish c\n${u32(0xffff_ffff)}`,
    `mpub t 1000\n${u32(0x7fff_ffff)}{`,
  ];
  for (const claim of claims.slice(0, 2)) {
    const one = new LineReader(open(tcp));
    expect(await ask(one, claim + "x".repeat(100_000))).toMatch(/is above 16777216 bytes$/);
  }
  await send(reader.socket, claims[2] ?? "");
  await send(reader.socket, "x".repeat(100_000));
  expect(broker.usage.assemblyBytes).toBeLessThan(1024 * 1024);
});

it("one that says a byte at a time is served, and one that says nothing more holds next to nothing", async () => {
  const { broker, tcp } = await testBroker({ durability: "memory" });
  const slow = new LineReader(open(tcp));
  for (const byte of `pub t  0\n${sized("a")}`) {
    await send(slow.socket, byte);
    await delay(2);
  }
  expect((await slow.next())?.[0]).toBe(103);
  await send(slow.socket, `pub t  0\n${u32(10_000_000)}`);
  const other = new LineReader(open(tcp));
  expect(await ask(other, "pop t\n")).toMatch(/^101/);
  expect(broker.usage.assemblyBytes).toBeLessThan(64 * 1024);
});

it.each(["GET", "POST", "PUT", "OPTIONS"])(
  "a %s of a web page is told what the port speaks, and nothing behind it is run",
  async (method) => {
    const { tcp } = await testBroker({ durability: "memory" });
    const socket = open(tcp);
    let answer = "";
    socket.on("data", (bytes) => {
      answer += bytes.toString();
    });
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await send(socket, `${method} / HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\npub web  0\n${sized("a")}`);
    await closed;
    expect(answer).toMatch(/^ringmq: this port speaks /);
    expect(await ask(new LineReader(open(tcp)), "pop web\n")).toBe("102 no message");
  },
);
