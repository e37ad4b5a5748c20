import { readdirSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { expect, it, onTestFinished } from "vitest";
import { fileName, topicOf } from "../../src/mq-files/file-name.js";
import { makeDirectory, removeDirectory } from "../directories.js";

it.each([
  ["example", "example.mq"],
  ["orders.eu-west_1:new", "orders.eu-west_1:new.mq"],
  ["主题 一", "主题 一.mq"],
  [".", "%2E.mq"],
  ["..", "%2E..mq"],
  [".hidden", "%2Ehidden.mq"],
  ["../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd.mq"],
  ["/etc/passwd", "%2Fetc%2Fpasswd.mq"],
  ["a\0b", "a%00b.mq"],
  ["a\nb\u0085", "a%0Ab%C2%85.mq"],
  ["100%", "100%25.mq"],
  ["%2F", "%252F.mq"],
  ["a\\b", "a%5Cb.mq"],
  ["a.mq", "a.mq.mq"],
])("the topic %j is in %s", (topic, name) => {
  expect(fileName(topic)).toBe(name);
  expect(topicOf(name)).toBe(topic);
});

it("is the name of one file in the directory, and of no other topic's", () => {
  const directory = makeDirectory();
  onTestFinished(() => removeDirectory(directory));
  const hostile = fc.string({
    minLength: 1,
    maxLength: 300,
    unit: fc.constantFrom(..."./\\%~ \0\n2Fé€😀aé\u2028:", "..", "%2F"),
  });
  const seen = new Map<string, string>();
  fc.assert(
    fc.property(hostile, (topic) => {
      const name = fileName(topic);
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
      expect(seen.get(name) ?? topic).toBe(topic);
      seen.set(name, topic);
      if (!name.includes("%~")) expect(topicOf(name)).toBe(topic);
      writeFileSync(join(directory, name), "");
      expect(dirname(realpathSync(join(directory, name)))).toBe(realpathSync(directory));
    }),
  );
  expect(readdirSync(directory)).toHaveLength(seen.size);
});

it("shortens what is too long, differently for topics that begin alike", () => {
  const [one, other] = [fileName(`${"€/".repeat(200)}a`), fileName(`${"€/".repeat(200)}b`)];
  expect(one).toMatch(/^(?:€%2F)+€?%~[\da-f]{64}\.mq$/);
  expect(one).not.toBe(other);
  expect(topicOf(one)).toBeUndefined();
  expect(fileName("x".repeat(252))).toBe(`${"x".repeat(252)}.mq`);
  expect(fileName("x".repeat(253))).toContain("%~");
});
