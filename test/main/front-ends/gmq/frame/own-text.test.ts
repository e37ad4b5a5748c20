/** What the table of jobs keeps must not keep the requests that it came in. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { readJob, readJobId } from "../../../../../src/main/front-ends/gmq/frame/job.js";
import { ownText } from "../../../../../src/main/front-ends/gmq/frame/own-text.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const REQUESTS = 2_000;
const PADDING = "x".repeat(30_000);

/** Bytes of memory that the texts take which are made of so many requests. */
const memoryOf = (make: (number: number) => unknown): number => {
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const kept = Array.from({ length: REQUESTS }, (_, i) => make(i));
  collectGarbage();
  const after = process.memoryUsage().heapUsed;
  expect(kept.every((text) => typeof text === "string")).toBe(true);
  return after - before;
};

const idOf = (id: unknown): unknown => (id as { readonly id?: { readonly text: string } }).id?.text;
const textOf = (id: unknown): unknown => (id as { readonly text?: string }).text;

const jobWith = (id: string): string => `{"Id":${id},"Topic":"a topic with a long name","Body":"${PADDING}"}`;
const bigNumber = (i: number): string => `38426114872102${1_000 + i}`;

it.each<[string, (i: number) => unknown]>([
  ["a number beyond 2^53", (i) => idOf(readJob(jobWith(bigNumber(i))))],
  ["a small number", (i) => idOf(readJob(jobWith(String(i + 1))))],
  ["a string", (i) => idOf(readJob(jobWith(`"${bigNumber(i)}"`)))],
  ["the topic", (i) => (readJob(jobWith(String(i + 1))) as { readonly topic?: string }).topic],
  ["the number of an ack", (i) => textOf(readJobId(`{"JobId":${bigNumber(i)},"x":"${PADDING}"}`))],
  ["a topic of a pop", (i) => ownText(`a topic with a long name ${i},${PADDING}`.split(",")[0] ?? "")],
])("%s keeps no request", (_, make) => {
  expect(memoryOf(make)).toBeLessThan(REQUESTS * 1_000);
});
