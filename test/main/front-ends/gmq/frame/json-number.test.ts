import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { numberText } from "../../../../../src/main/front-ends/gmq/frame/json-number.js";

describe("a number of JSON as it stands in the text", () => {
  it.each([
    ['{"Id":1}', "1"],
    ['{ "Id" : 12345678901234567890 }', "12345678901234567890"],
    ['{"x":{"Id":2},"Id":-3,"y":[{"Id":4}]}', "-3"],
    ['{"x":"\\"Id\\":5,","Id":6}', "6"],
    ['{"Id":7,"Id":8}', "8"],
    ['{"\\u0049d":9}', "9"],
    ['{"Id":1.5e+30}', "1.5e+30"],
    ['{"x":"Id","Id"\n:\t10\r\n}', "10"],
  ])("%s", (json, text) => {
    expect(numberText(json, "Id")).toBe(text);
  });

  it("among any other members", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.bigInt(),
        fc.constantFrom(undefined, 2),
        (before, behind, number, space) => {
          const members = { ...before, Id: "<number>", ...behind };
          if (behind["Id"] !== undefined || before["Id"] !== undefined) return;
          const json = JSON.stringify(members, null, space).replace('"<number>"', () => String(number));
          if (JSON.stringify(before).includes("<number>")) return;
          expect(numberText(json, "Id")).toBe(String(number));
        },
      ),
    );
  });
});
