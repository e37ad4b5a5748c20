import { describe, expect, it } from "vitest";
import { LoginCookie } from "../../../src/main/console/cookie.js";

const ID = "A".repeat(43);
const OTHER = "B".repeat(43);

const cookie = (headers: readonly (readonly [string, string])[], isTls = false): LoginCookie =>
  new LoginCookie(
    {
      header: (name) => headers.find(([each]) => each === name)?.[1] ?? "",
      eachHeader: (callback) => {
        for (const [name, value] of headers) callback(name, value);
      },
    },
    isTls,
  );

describe("the cookie of a login", () => {
  it.each([
    ["alone", [`ringmq=${ID}`], ID],
    ["among others", [`a=b; ringmq=${ID};c=d`], ID],
    ["in a header of its own", ["a=b", `ringmq=${ID}`], ID],
    ["twice", [`ringmq=${ID}; ringmq=${OTHER}`], undefined],
    ["twice, once broken", [`ringmq=${ID}; ringmq=`], undefined],
    ["in two headers", [`ringmq=${ID}`, `ringmq=${ID}`], undefined],
    ["of another port", [`ringmq-9504=${ID}`], undefined],
    ["with a longer name", [`xringmq=${ID}`], undefined],
    ["with another case", [`RingMQ=${ID}`], undefined],
    ["in quotes", [`ringmq="${ID}"`], undefined],
    ["too short", [`ringmq=${ID.slice(1)}`], undefined],
    ["too long", [`ringmq=${ID}A`], undefined],
    ["with a character that it cannot have", [`ringmq=${ID.slice(1)}+`], undefined],
    ["with nothing", ["ringmq"], undefined],
    ["not at all", [], undefined],
  ] as const)("is read where it is there once and whole: %s", (_, cookies, value) => {
    expect(cookie(cookies.map((each) => ["cookie", each] as const)).value).toBe(value);
  });

  it.each([
    ["localhost:9504", "ringmq-9504"],
    ["[::1]:9504", "ringmq-9504"],
    ["[::1]", "ringmq"],
    ["broker.example", "ringmq"],
    ["broker.example:x", "ringmq"],
    ["", "ringmq"],
  ])("has the port in its name by which the browser calls the broker: %s", (host, name) => {
    const of = cookie([
      ["host", host],
      ["cookie", `${name}=${ID}`],
    ]);
    expect(of.value).toBe(ID);
    expect(of.set(OTHER)).toBe(`${name}=${OTHER}; Path=/console/; HttpOnly; SameSite=Strict`);
    expect(of.clear()).toBe(`${name}=; Max-Age=0; Path=/console/; HttpOnly; SameSite=Strict`);
  });

  it("is for TLS alone where the port speaks it, or the page has come over it", () => {
    expect(cookie([], true).set(ID)).toMatch(/; Secure$/);
    expect(cookie([["origin", "https://broker.example"]]).set(ID)).toMatch(/; Secure$/);
    expect(cookie([["origin", "http://broker.example"]]).set(ID)).not.toContain("Secure");
  });
});
