import { describe, expect, test } from "vitest";
import { JobReader } from "../../../../src/main/front-ends/gmq/job.js";
import { GatheredBody } from "../../../../src/main/native/gathered-body.js";
import { MAX_DELAY } from "../../../../src/protocol/limits.js";

/** The job of a text that comes in one part, with its body. */
const parseJob = (text: string): unknown => {
  const reader = new JobReader(new GatheredBody(1 << 20));
  const bytes = Buffer.from(text);
  reader.write(bytes, 0, bytes.length);
  const job = reader.end();
  const body = reader.body.bytes().toString();
  reader.body.release();
  return typeof job === "string" ? job : { ...job, body };
};

const parse = (fields: unknown): unknown => parseJob(JSON.stringify(fields));

describe("the job of a push", () => {
  test("has its delay in milliseconds", () => {
    expect(parse({ body: "b", topic: "t", delay: 20, route_key: "r" })).toEqual({
      body: "b",
      topic: "t",
      delay: 20_000,
      routeKey: "r",
    });
  });

  test("is complete with a topic alone", () => {
    expect(parse({ topic: "t" })).toEqual({ body: "", topic: "t", delay: 0, routeKey: "" });
    expect(parse({ topic: "t", body: null, delay: null, route_key: null })).toEqual({
      body: "",
      topic: "t",
      delay: 0,
      routeKey: "",
    });
  });

  test("takes field names in any case", () => {
    expect(parse({ Body: "b", TOPIC: "t", Delay: 1, Route_Key: "r" })).toEqual({
      body: "b",
      topic: "t",
      delay: 1000,
      routeKey: "r",
    });
  });

  test("with a negative delay is not delayed", () => {
    expect(parse({ topic: "t", delay: -5 })).toMatchObject({ delay: 0 });
  });

  test("takes nothing from the prototype of objects", () => {
    expect(parseJob('{"topic":"t","__proto__":{"body":"b"}}')).toMatchObject({ body: "" });
  });

  test.each([
    ["{", /^data is not JSON: ./],
    ["[]", "data is not a JSON object"],
    ["null", "data is not a JSON object"],
    ['"text"', "data is not a JSON object"],
    ["{}", "topic is empty"],
    ['{"topic":""}', "topic is empty"],
    ['{"topic":1}', "topic is not a string"],
    ['{"topic":"t","body":1}', "body is not a string"],
    ['{"topic":"t","body":{"a":1}}', "body is not a string"],
    ['{"topic":"t","delay":"20"}', "delay is not a whole number of seconds"],
    ['{"topic":"t","delay":0.5}', "delay is not a whole number of seconds"],
    ['{"topic":"t","route_key":[]}', "route_key is not a string"],
    [`{"topic":"${"t".repeat(256)}"}`, "topic is longer than 255 bytes"],
    [`{"topic":"t","route_key":"${"r".repeat(256)}"}`, "route_key is longer than 255 bytes"],
    [`{"topic":"t","delay":${MAX_DELAY / 1000 + 1}}`, `delay is more than ${MAX_DELAY / 1000} seconds`],
    ['{"topic":"t","delay":1e300}', `delay is more than ${MAX_DELAY / 1000} seconds`],
  ])("%s is refused with a reason", (text, reason) => {
    if (typeof reason === "string") expect(parseJob(text)).toBe(reason);
    else expect(parseJob(text)).toMatch(reason);
  });
});
