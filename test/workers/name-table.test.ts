/** The table of names: the same string for the same bytes, however many names there are. */
import { expect, it } from "vitest";
import { ProtocolError } from "../../src/protocol/errors.js";
import { NameTable } from "../../src/workers/name-table.js";

const find = (table: NameTable, name: string): string => {
  const bytes = new TextEncoder().encode(`..${name}.`);
  return table.find("the name of a topic", bytes, 2, bytes.length - 1);
};

it("finds each name, among more than it has slots for", () => {
  const table = new NameTable(255);
  const names = Array.from({ length: 50_000 }, (_, i) => `topic-${i}-größer`);
  for (let round = 0; round < 2; round++) {
    for (const name of names) if (find(table, name) !== name) expect.unreachable(name);
  }
  expect(find(table, "topic-7-größer")).toBe("topic-7-größer");
});

it("refuses what is no name, each time", () => {
  const table = new NameTable(8);
  for (let i = 0; i < 2; i++) {
    expect(() => find(table, "too long a name")).toThrow(ProtocolError);
    expect(() => find(table, "a\u0007b")).toThrow("control character");
    expect(() => table.find("the name", Uint8Array.of(0xff, 0xfe), 0, 2)).toThrow("not UTF-8");
  }
});
