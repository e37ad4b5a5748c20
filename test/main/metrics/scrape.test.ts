/** Samples as text. */
import { expect, it } from "vitest";
import { Samples } from "../../../src/main/metrics/samples.js";
import { Scrape } from "../../../src/main/metrics/scrape.js";
import { TOPIC_COLUMNS } from "../../../src/metrics/topic-metrics.js";

const textOf = async (scrape: Scrape): Promise<string> => (await scrape.bytes()).toString();

it("scrapes share what they find for as long as it took to find, and later ones look again", async () => {
  let reads = 0;
  const scrape = new Scrape(() => {
    const samples = new Samples();
    samples.add("calls", ++reads);
    return samples;
  });
  const texts = await Promise.all([textOf(scrape), textOf(scrape), textOf(scrape)]);
  expect(new Set(texts).size).toBe(1);
  expect(texts[0]).toContain("\nringmq_calls 1\n");
  // For as long as it took, in which no timer has ended yet.
  expect(await textOf(scrape)).toBe(texts[0]);
  let later = texts[0];
  while (later === texts[0]) {
    await new Promise(setImmediate);
    later = await textOf(scrape);
  }
  expect(later).toContain("\nringmq_calls 2\n");
});

it("names of topics are escaped, and the first by their names are shown, of whichever shard", async () => {
  const samples = new Samples();
  const rows = (...names: string[]) => ({
    names,
    values: Float64Array.from(names.flatMap((_, i) => TOPIC_COLUMNS.map(() => i + 1))),
  });
  samples.addTopics([rows("b", 'c"\\\n'), rows("a", "d")], 3, 0);
  const text = await textOf(new Scrape(() => samples));
  expect([...text.matchAll(/^ringmq_topic_ready_messages(.*)$/gm)].map(([, rest]) => rest)).toEqual([
    '{topic="a"} 1',
    '{topic="b"} 1',
    '{topic="c\\"\\\\\\n"} 2',
  ]);
});
