import { describe, expect, it } from "vitest";
import { Access } from "../../../src/main/access/access.js";
import { NEEDS_BY_OP, Permission } from "../../../src/main/access/permissions.js";
import { Rate } from "../../../src/main/access/rate.js";
import { REFUSAL_DELAY, Refusals } from "../../../src/main/access/refusals.js";
import { hashOf } from "../../../src/main/access/token-hash.js";
import { User } from "../../../src/main/access/user.js";
import { type Log, SILENT } from "../../../src/main/log.js";
import type { PermissionOptions, UserOptions } from "../../../src/main/user-options.js";
import { Op } from "../../../src/protocol/op.js";

const { publish, consume, manage, operate } = Permission;

const clock = () => {
  const time = { date: 1_000_000, now: 0 };
  return { time, date: () => time.date, now: () => time.now };
};

const ALL: readonly PermissionOptions[] = [{ topics: "*", allow: ["publish", "consume"] }];
const user = (name: string, more: Partial<UserOptions> = {}): UserOptions => ({
  name,
  tokens: [{ hash: hashOf(`token of ${name}`) }],
  permissions: ALL,
  ...more,
});

describe("the rights of a user", () => {
  it("to a topic are those of all patterns that it fits; whoever operates has them for the whole broker", () => {
    const some = new User(
      user("a", {
        permissions: [
          { topics: "orders.*", allow: ["publish"] },
          { topics: "*.eu", allow: ["consume", "manage"] },
        ],
      }),
      0,
    );
    expect(["orders.us", "orders.eu", "bills.eu", "bills"].map((topic) => some.rightsTo(topic))).toEqual([
      publish,
      publish | consume | manage,
      consume | manage,
      0,
    ]);
    expect([some.mayOperate, some.sees]).toEqual([false, ["orders.*", "*.eu"]]);
    const operator = new User(user("o", { permissions: [{ topics: "*", allow: ["operate"] }] }), 0);
    expect([operator.rightsTo("x"), operator.mayOperate, operator.sees]).toEqual([operate, true, undefined]);
    const nobody = new User(user("n", { permissions: [] }), 0);
    expect([nobody.rightsTo("x"), nobody.mayOperate, nobody.sees]).toEqual([0, false, []]);
  });

  it("are the same however many topics are asked about", () => {
    const some = new User(user("a", { permissions: [{ topics: "*7", allow: ["publish"] }] }), 0);
    for (let i = 0; i < 5_000; i++) expect(some.rightsTo(`t${i}`)).toBe(i % 10 === 7 ? publish : 0);
    for (let i = 0; i < 5_000; i++) expect(some.rightsTo(`t${i}`)).toBe(i % 10 === 7 ? publish : 0);
  });

  it("that change count from then on, and it is told whether some are gone", () => {
    const some = new User(user("a"), 0);
    expect(some.rightsTo("x")).toBe(publish | consume);
    expect(some.update(user("a", { permissions: [...ALL, { topics: "x", allow: ["manage"] }] }), 0)).toBe(true);
    expect(some.rightsTo("x")).toBe(publish | consume | manage);
    expect(some.update(user("a"), 0)).toBe(false);
    expect(some.update(user("a", { permissions: [{ topics: "*", allow: ["publish"] }] }), 0)).toBe(false);
    expect(some.rightsTo("x")).toBe(publish);
  });

  it("say what each request needs: none is left out", () => {
    for (const op of Object.values(Op)) expect(NEEDS_BY_OP[op]).toBeTypeOf("number");
    const free = Object.entries(Op).filter(([, op]) => NEEDS_BY_OP[op] === 0);
    expect(free.map(([name]) => name)).toEqual(["HELLO", "PING", "TOPICS", "CHANNELS", "ABANDON", "REPLY", "FAIL"]);
  });
});

describe("who may come in", () => {
  const names = (access: Access, ...tokens: readonly (string | undefined)[]) =>
    tokens.map((token) => access.identify({ token })?.user.name);

  it("is whoever shows the token of a user, whole and as it is", () => {
    const access = new Access([user("a"), user("b")], SILENT, clock());
    const shown = ["token of a", "token of b", "token of", "token of a ", "TOKEN OF A", "", undefined];
    expect(names(access, ...shown)).toEqual(["a", "b", ...Array(5).fill(undefined)]);
    expect(names(access, hashOf("token of a"), "x".repeat(1_000_000))).toEqual([undefined, undefined]);
    expect([access.isOn, new Access([], SILENT).isOn]).toEqual([true, false]);
  });

  it("is whoever shows a certificate of a user, unless it shows a token: then that alone counts", () => {
    const access = new Access(
      [user("a", { certificate: "CN=a" }), user("b", { certificate: "DNS:b" })],
      SILENT,
      clock(),
    );
    const by = (list: readonly string[], token?: string) => access.identify({ names: list, token })?.user.name;
    expect([by(["CN=a"]), by(["CN=x", "DNS:b"]), by(["CN=b", "DNS:a", "a"]), by([])]).toEqual([
      "a",
      "b",
      undefined,
      undefined,
    ]);
    expect([by(["CN=a"], "token of b"), by(["CN=a"], "nobody's")]).toEqual(["b", undefined]);
  });

  it("comes in until the token's time is over, and has to go then", () => {
    const time = clock();
    const expires = new Date(time.date() + 1_000);
    const access = new Access([user("a", { tokens: [{ hash: hashOf("t"), expires }] })], SILENT, time);
    const credential = access.identify({ token: "t" });
    expect(credential && access.isOver(credential)).toBe(false);
    time.time.date += 1_000;
    expect(credential && access.isOver(credential)).toBe(true);
    expect(access.identify({ token: "t" })).toBeUndefined();
  });

  it("has to go when its token is gone, its user is, or may do less; others stay as they are", () => {
    const two = [{ hash: hashOf("1") }, { hash: hashOf("2") }];
    const access = new Access(
      [user("a", { tokens: two }), user("b"), user("c"), user("d", { certificate: "CN=d" })],
      SILENT,
      clock(),
    );
    const shown = [
      { token: "1" },
      { token: "2" },
      { token: "token of b" },
      { token: "token of c" },
      { names: ["CN=d"] },
    ];
    const before = shown.map((each) => access.identify(each));
    const listeners = ["a", "b", "c"].map((name) => access.named(name));
    access.reload([
      user("a", { tokens: two.slice(1), limits: { connections: 5 } }),
      user("b", { permissions: [{ topics: "*", allow: ["publish"] }] }),
      user("d", { certificate: "CN=dd" }),
    ]);
    const isOver = (list: typeof before) => list.map((each) => each && access.isOver(each));
    expect(isOver(before)).toEqual([true, false, true, true, true]);
    expect(isOver(listeners)).toEqual([false, true, true]);
    // Whoever shows it again is let in again, with what it may now.
    expect(access.identify({ token: "2" })).toBe(before[1]);
    expect(access.identify({ token: "token of b" })?.user.rightsTo("x")).toBe(publish);
    expect(names(access, "1", "token of c")).toEqual([undefined, undefined]);
  });

  it("tells the log of refusals, without what was shown, and not of those that are put off", () => {
    const lines: unknown[] = [];
    const log: Log = { ...SILENT, warn: (fields, text) => lines.push([fields, text]) };
    const access = new Access([user("a")], log, clock());
    for (let i = 0; i < 100; i++) access.refused("192.0.2.1", "http");
    expect(lines).toHaveLength(10);
    expect(lines[0]).toEqual([{ address: "192.0.2.1", door: "http" }, expect.stringContaining("refused")]);
  });
});

describe("refusals", () => {
  it("come at once, ten times and then once a tenth of a second, for each address; others late", () => {
    const refusals = new Refusals();
    const ten = Array.from({ length: 10 }, () => refusals.count("a", 0));
    expect(ten).toEqual(Array(10).fill(0));
    expect(refusals.count("a", 0)).toBe(REFUSAL_DELAY);
    expect(refusals.count("b", 0)).toBe(0);
    expect(refusals.count("a", 10_000)).toBe(0);
  });

  it("are remembered of so many addresses: the one that was refused longest ago is forgotten", () => {
    const refusals = new Refusals();
    for (let i = 0; i < 11; i++) refusals.count("first", 0);
    for (let i = 0; i < 10_000; i++) refusals.count(String(i), 0);
    expect(refusals.size).toBe(4_096);
    expect(refusals.count("first", 0)).toBe(0);
  });
});

describe("a rate", () => {
  it("lets a second's worth through at once, and no more than so much a second on average", () => {
    const rate = new Rate(100, 0);
    rate.take(100, 0);
    expect(rate.wait(0)).toBe(0);
    rate.take(50, 0);
    expect(rate.wait(0)).toBe(500);
    expect(rate.wait(499)).toBe(1);
    expect(rate.wait(500)).toBe(0);
    // What was saved is at most a second's worth.
    rate.take(150, 1_000_000);
    expect(rate.wait(1_000_000)).toBe(500);
  });

  it("of a user is of its messages and of its bytes; a change counts at once", () => {
    const some = new User(user("a", { limits: { publishRate: 10, publishBytes: 1_000 } }), 0);
    some.publishes(20, 10, 0);
    expect(some.publishWait(0)).toBe(1_000);
    some.publishes(0, 3_990, 0);
    expect(some.publishWait(0)).toBe(3_000);
    some.update(user("a", { limits: { publishRate: 10 } }), 0);
    expect(some.publishWait(0)).toBe(1_000);
    some.update(user("a"), 0);
    expect([some.publishWait(0), some.isMetered]).toEqual([0, false]);
  });

  it("of connections is a number", () => {
    const some = new User(user("a", { limits: { connections: 2 } }), 0);
    expect([some.enter(), some.enter(), some.enter()]).toEqual([true, true, false]);
    some.leave();
    expect([some.enter(), some.connections]).toEqual([true, 2]);
  });
});
