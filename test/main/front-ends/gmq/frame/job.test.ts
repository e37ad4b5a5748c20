import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jobJson, readJob, readJobId } from "../../../../../src/main/front-ends/gmq/frame/job.js";
import { entryOfJob, partsOf, readHeaders } from "../../../../../src/main/front-ends/gmq/frame/job-entry.js";

const RUNS = Number(process.env["RINGMQ_FUZZ_RUNS"] ?? 2_000);

const seconds = fc.integer({ min: 0, max: 315_360_000 });
const id = fc.oneof(
  fc.string({ minLength: 1, maxLength: 80, unit: "grapheme" }),
  fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }).filter((number) => number !== 0n),
);

const spelled = (name: string): fc.Arbitrary<string> =>
  fc.constantFrom(
    name,
    name.toLowerCase(),
    name.toUpperCase(),
    name.replace(/^./, (first) => first.toLowerCase()),
  );

describe("a job", () => {
  it("comes back from its message as it was pushed", () => {
    fc.assert(
      fc.property(
        id,
        fc.string({ minLength: 1, maxLength: 50, unit: "grapheme" }),
        seconds,
        seconds,
        fc.string({ unit: "binary" }),
        fc.tuple(...["Id", "Topic", "Delay", "TTR", "Body"].map(spelled)),
        (given, topic, delay, ttr, body, [idName, ...names]) => {
          const fields = [topic, delay, ttr, body].map(
            (value, i) => `${JSON.stringify(names[i])}:${JSON.stringify(value)}`,
          );
          const idJson = typeof given === "bigint" ? String(given) : JSON.stringify(given);
          const job = readJob(`{${fields.join(",")},${JSON.stringify(idName)}: ${idJson} }`);
          if (typeof job === "string") throw new Error(job);
          const entry = entryOfJob(job);
          const view = new DataView(entry.buffer, entry.byteOffset, entry.length);
          const parts = partsOf(view, 0);
          expect(parts.end).toBe(entry.length);
          const headers = readHeaders(entry, parts.headers, parts.body);
          expect(headers).toEqual({ id: job.id, ttr, delay });
          expect(entry.toString("utf8", parts.body, parts.end)).toBe(body);
          const answer = jobJson(job.id, topic, delay, ttr, body, 3);
          expect(answer).toBe(
            `{"Id":${idJson},"Topic":${JSON.stringify(topic)},"Delay":${delay},"TTR":${ttr},` +
              `"Body":${JSON.stringify(body)},"Status":3,"ConsumeNum":3}`,
          );
        },
      ),
      { numRuns: RUNS },
    );
  });

  it("is refused in words, whatever comes", () => {
    const fields = fc.record(
      {
        Id: fc.jsonValue(),
        Topic: fc.jsonValue(),
        delay: fc.jsonValue(),
        TTR: fc.jsonValue(),
        Body: fc.jsonValue(),
        JobId: fc.jsonValue(),
        ["__proto__"]: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fields.map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(texts, (data) => {
        for (const read of [readJob(data), readJobId(data)]) {
          if (typeof read === "string") expect(read).toMatch(/^(data|job\.|Id|JobId|Topic|Delay|TTR|Body)/);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it("has the name that is spelled right, else the last one", () => {
    expect(readJobId('{"jobid":"a","JobId":"b","JOBID":"c"}')).toEqual({ text: "b", isNumber: false });
    expect(readJobId('{"jobid":"a","JOBID":"c"}')).toEqual({ text: "c", isNumber: false });
  });

  it("has no half of a surrogate pair for an id", () => {
    expect(readJobId('{"JobId":"\\ud800"}')).toEqual({ text: "\ufffd", isNumber: false });
  });
});
