import { expect, it } from "vitest";
import { eachLine } from "../../../src/cli/line-input.js";
import { LineSplitter } from "../../../src/cli/line-splitter.js";
import { LinePublisher } from "../../../src/cli/memmq/line-publisher.js";
import { OwnLines } from "../../../src/cli/memmq/own-lines.js";
import type { MemmqClient } from "../../../src/memmq-client/index.js";
import { heldBytes } from "../../collected-memory.js";

/** The lines of a text that comes in pieces of so many bytes. */
const linesOf = (text: string, size: number): string[] => {
  const splitter = new LineSplitter(1_000);
  const bytes = Buffer.from(text, "latin1");
  const lines: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) lines.push(...splitter.push(bytes.subarray(at, at + size)));
  const last = splitter.end();
  if (last !== undefined) lines.push(last);
  return lines.map((line) => line.toString("latin1"));
};

it.each([1, 2, 3, 7, 1_000])("lines are those of bufio.ScanLines, in pieces of %d bytes", (size) => {
  expect(linesOf("a\n\nb\r\n\xff\x00c\r\r\nlast", size)).toEqual(["a", "", "b", "\xff\x00c\r", "last"]);
  expect(linesOf("a\n", size)).toEqual(["a"]);
  expect(linesOf("", size)).toEqual([]);
});

it("a line that is too long is refused, however it comes", () => {
  const splitter = new LineSplitter(10);
  expect([...splitter.push(Buffer.from("0123456789\r\n"))].map(String)).toEqual(["0123456789"]);
  expect(() => [...splitter.push(Buffer.from("0123456789ab"))]).toThrow("more than 10 bytes");
});

const line = (text: string): Uint8Array => new TextEncoder().encode(text);

it("as many messages are own lines as were published, on each server", () => {
  const own = new OwnLines();
  own.add(["a", "b"], line("x"));
  own.add(["a"], line("x"));
  expect(["a", "a", "a", "b", "b"].map((server) => own.take(server, line("x")))).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
  expect(own.take("a", line("y"))).toBe(false);
});

it("a line that does not come back is waited for no longer than ten seconds", () => {
  let now = 0;
  const own = new OwnLines(() => now);
  own.add(["a"], line("x"));
  now = 10_001;
  expect(own.take("a", line("x"))).toBe(false);
});

it("lines cost what they cost singly, however many are under way", async () => {
  let sent = 0;
  const client = {
    ready: () => Promise.resolve(),
    publish: () => {
      sent++;
      return new Promise<void>((resolve) => setImmediate(resolve));
    },
  } as Partial<MemmqClient> as MemmqClient;
  const publisher = new LinePublisher(client, "a");
  for (let i = 0; i < 20_000; i++) await publisher.publish(line("x"));
  await publisher.flush();
  expect(sent).toBe(20_000);
  expect(publisher.failure).toBeUndefined();
}, 10_000);

it("what was read is not held", async () => {
  const CHUNKS = 100;
  const chunk = 256 * 1024;
  const newline = Buffer.from("\n");
  const before = await heldBytes();
  let held = 0;
  async function* input(): AsyncGenerator<Buffer> {
    for (let i = 0; i < CHUNKS; i++) yield Buffer.concat([Buffer.alloc(chunk, "x"), newline]);
    held = (await heldBytes()) - before;
  }
  await eachLine(input(), new AbortController().signal, () => Promise.resolve());
  expect(held).toBeLessThan((CHUNKS * chunk) / 4);
});
