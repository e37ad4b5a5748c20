import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formField } from "../../../../../src/main/front-ends/gmq/http/form.js";

/** Texts of pieces that forms are made of, so that most have fields and escapes. */
const form = (pieces: readonly string[], between: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.array(fc.oneof(fc.constantFrom(...pieces), between), { maxLength: 24 }).map((parts) => parts.join(""));
/** Without a `%`, which would be an escape that is damaged. */
const anyText = fc.string({ unit: "grapheme", maxLength: 4 }).map((text) => text.replaceAll("%", ""));
const asciiText = fc.string({ unit: "grapheme-ascii", maxLength: 4 });
const whole = ["&", "=", "+", "data", "d%61ta", "%F0%9F%98%80", "%c3%a9", "é", "?"];
const damaged = ["&", "=", "+", "%", "data", "d%61ta", "%2", "%zz", "%F0%9F%98%80", "%ED%A0%80", "%C3", "%a9", "%FF"];

describe("a field of a form", () => {
  test("is what URLSearchParams finds", () => {
    fc.assert(
      fc.property(
        fc.oneof(form(whole, anyText), form(damaged, asciiText)),
        fc.constantFrom("data", "topic", "é", ""),
        (text, name) => {
          // The & in front keeps URLSearchParams from taking a ? off.
          const expected = new URLSearchParams(`&${text}`).get(name) ?? undefined;
          expect(formField(text, name)).toBe(expected);
        },
      ),
      { numRuns: 3000 },
    );
  });

  // URLSearchParams of Node 20 takes the lowest byte of a character for the character here: `中`, U+4E2D, for `-`.
  test.each([
    ["data=é%C3+%zz%4", "data", "é\ufffd %zz%4"],
    ["data=d%61ta%?中", "data", "data%?中"],
    ["=%data中", "", "\ufffdta中"],
    ["é=%d%61ta\u200d", "é", "%data\u200d"],
  ])("has damaged escapes as the URL standard says, beside text that has none: %s", (text, name, value) => {
    expect(formField(text, name)).toBe(value);
  });

  test("is found again after any encoding that a client uses", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (value) => {
        expect(formField(`topic=t&data=${encodeURIComponent(value)}&x=1`, "data")).toBe(value);
        expect(formField(new URLSearchParams({ data: value }).toString(), "data")).toBe(value);
      }),
    );
  });

  test("may be JSON as it is typed, with spaces, quotes and equals signs", () => {
    const json = '{"body":"a = b","topic":"game_1","delay":20}';
    expect(formField(`data=${json}`, "data")).toBe(json);
  });

  test("is the first of its name", () => {
    expect(formField("data=a&data=b", "data")).toBe("a");
  });

  test("is not found inside another name or value", () => {
    expect(formField("mydata=a&x=data=b", "data")).toBeUndefined();
  });
});
