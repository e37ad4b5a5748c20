import { crc32 as zlibCrc32 } from "node:zlib";
import { expect, it } from "vitest";
import { crc32 } from "../../src/servers/crc32.js";
import { selectAll, selectorOf, selectRendezvous, selectShard } from "../../src/servers/selector.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** From the tests of Go's hash/crc32, and names of topics. */
const GO_VECTORS: readonly (readonly [string, number])[] = [
  ["", 0x0],
  ["a", 0xe8b7be43],
  ["ab", 0x9e83486d],
  ["abc", 0x352441c2],
  ["abcdefghij", 0x3981703a],
  ["Discard medicine more than two years old.", 0x6b9cdfe7],
  ["He who has a shady past knows that nice guys finish last.", 0xc90ef73f],
  ["I wouldn't marry him with a ten foot pole.", 0xb902341f],
  ["How can you write a big system without C++?  -Paul Glick", 0x8e0bb443],
];

it.each(GO_VECTORS)("crc32 of %j is that of Go", (text, sum) => {
  expect(crc32(bytes(text))).toBe(sum);
});

it("crc32 is that of zlib for all bytes", () => {
  const all = Uint8Array.from({ length: 1024 }, (_, i) => (i * 7) & 0xff);
  for (let size = 0; size <= all.length; size += 31)
    expect(crc32(all.subarray(0, size))).toBe(zlibCrc32(all.subarray(0, size)));
});

const SERVERS = ["https://a:1", "https://b:1", "https://c:1"];

it("shard is the server at crc32(topic) % n, in the order given", () => {
  for (const topic of ["example", "消息", "a/b"]) {
    expect(selectShard(topic, SERVERS)).toEqual([SERVERS[zlibCrc32(topic) % 3]]);
  }
});

it("all is every server, and no selector invents one", () => {
  expect(selectAll("t", SERVERS)).toEqual(SERVERS);
  for (const name of ["all", "shard", "rendezvous"] as const) expect(selectorOf(name)("t", [])).toEqual([]);
});

const topics = Array.from({ length: 10_000 }, (_, i) => `topic-${i}`);

it("rendezvous spreads topics evenly and does not go by the order of the list", () => {
  const counts = new Map<string, number>();
  for (const topic of topics) {
    const [server = ""] = selectRendezvous(topic, SERVERS);
    counts.set(server, (counts.get(server) ?? 0) + 1);
    expect(selectRendezvous(topic, SERVERS.toReversed())).toEqual([server]);
  }
  for (const server of SERVERS) expect(Math.abs((counts.get(server) ?? 0) - 3333)).toBeLessThan(250);
});

it("rendezvous moves one topic in n when a server is added, all of them to it", () => {
  let moved = 0;
  for (const topic of topics) {
    const [before] = selectRendezvous(topic, SERVERS);
    const [after] = selectRendezvous(topic, [...SERVERS, "https://d:1"]);
    if (before === after) continue;
    moved++;
    expect(after).toBe("https://d:1");
  }
  expect(Math.abs(moved - 2500)).toBeLessThan(250);
});
