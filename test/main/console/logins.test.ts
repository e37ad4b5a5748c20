import { describe, expect, it } from "vitest";
import { Access } from "../../../src/main/access/access.js";
import { hashOf } from "../../../src/main/access/token-hash.js";
import { BrokerConsole } from "../../../src/main/console/broker-console.js";
import { Logins } from "../../../src/main/console/logins.js";
import { SILENT } from "../../../src/main/log.js";
import type { UserOptions } from "../../../src/main/user-options.js";

interface Somebody {
  readonly owner: string;
  isOver: boolean;
  ends: number;
}

const somebody = (owner = "a"): Somebody => ({ owner, isOver: false, ends: 0 });

const table = (): Logins<Somebody> =>
  new Logins({
    ownerOf: ({ owner }) => owner,
    isOver: ({ isOver }) => isOver,
    ended: (who) => {
      who.ends++;
    },
  });

const HOUR = 3_600_000;

const HERE = "192.0.2.1";

describe("a login", () => {
  it("is found by its number alone, which is 256 random bits", () => {
    const logins = table();
    const who = somebody();
    const id = logins.open(who, HERE, 0);
    expect(Buffer.from(id, "base64url").length).toBe(32);
    expect(logins.open(who, HERE, 0)).not.toBe(id);
    expect(logins.find(id, 1)).toBe(who);
    for (const other of [undefined, "", id.slice(1), `${id}A`, id.toLowerCase()]) {
      expect(logins.find(other, 1)).toBeUndefined();
    }
  });

  it("ends after twelve hours, used or not, and is told so once", () => {
    const logins = table();
    const who = somebody();
    const id = logins.open(who, HERE, HOUR);
    logins.sweep(13 * HOUR - 1);
    expect(logins.find(id, 13 * HOUR - 1)).toBe(who);
    expect(logins.find(id, 13 * HOUR)).toBeUndefined();
    expect([logins.size, who.ends]).toEqual([0, 1]);
    logins.end(id);
    logins.sweep(14 * HOUR);
    expect(who.ends).toBe(1);
    const next = somebody();
    logins.open(next, HERE, HOUR);
    logins.sweep(13 * HOUR);
    expect([logins.size, next.ends]).toEqual([0, 1]);
  });

  it("ends when it is over for another reason, or is ended", () => {
    const logins = table();
    const [one, other] = [somebody(), somebody()];
    const ids = [one, other].map((who) => logins.open(who, HERE, 0));
    one.isOver = true;
    expect(logins.find(ids[0], 0)).toBeUndefined();
    logins.end(ids[1]);
    logins.end(ids[1]);
    logins.end(undefined);
    expect([logins.size, one.ends, other.ends]).toEqual([0, 1, 1]);
  });
});

describe("a table that is full", () => {
  it("ends the login of the same owner that was not used for longest", () => {
    const logins = table();
    const other = logins.open(somebody("b"), HERE, 0);
    const all = Array.from({ length: 64 }, () => somebody());
    const ids = all.map((who) => logins.open(who, HERE, 0));
    logins.find(ids[0], 0);
    logins.open(somebody(), HERE, 0);
    expect(all.map(({ ends }) => ends)).toEqual(all.map((_, i) => (i === 1 ? 1 : 0)));
    expect(logins.size).toBe(65);
    expect(logins.find(other, 0)).toBeDefined();
  });

  it("ends the one of all that was not used for longest", () => {
    const logins = table();
    const all = Array.from({ length: 1_024 }, (_, i) => somebody(String(i >> 4)));
    const ids = all.map((who) => logins.open(who, HERE, 0));
    logins.find(ids[0], 0);
    logins.open(somebody("x"), HERE, 0);
    expect(logins.size).toBe(1_024);
    expect(all.filter(({ ends }) => ends > 0)).toEqual([all[1]]);
  });

  it("ends one of the address that has the most, so that nobody drives out others", () => {
    const logins = table();
    const other = logins.open(somebody("b"), "192.0.2.2", 0);
    // An IPv6 client has all addresses of its network.
    const flood = (count: number): Somebody[] =>
      Array.from({ length: count }, (_, i) => {
        const who = somebody(`flood ${i}`);
        logins.open(who, `2001:db8::${i.toString(16)}`, 0);
        return who;
      });
    const [first, second, ...rest] = flood(1_023 + 1);
    expect([first?.ends, second?.ends]).toEqual([1, 0]);
    flood(1_023);
    expect([second, ...rest].filter((who) => who?.ends === 0)).toEqual([]);
    expect(logins.find(other, 0)).toBeDefined();
    // Whoever comes from elsewhere makes one of the flood go.
    for (let i = 0; i < 500; i++) logins.open(somebody(`c ${i}`), `198.51.100.${i % 250}`, 0);
    expect(logins.find(other, 0)).toBeDefined();
    expect(logins.size).toBe(1_024);
  });
});

describe("a login with a broker's token", () => {
  const user = (more: Partial<UserOptions> = {}): UserOptions => ({
    name: "ops",
    tokens: [{ hash: hashOf("token"), expires: new Date(10_000) }, { hash: hashOf("other") }],
    permissions: [{ topics: "*", allow: ["consume", "manage"] }],
    ...more,
  });
  const opened = () => {
    let date = 0;
    const access = new Access([user()], SILENT, { date: () => date, now: () => date });
    const host = new BrokerConsole(access, false);
    const login = host.identify("token");
    if (login === undefined) throw new Error("the token is that of a user");
    return {
      access,
      host,
      login,
      at: (now: number) => {
        date = now;
      },
    };
  };

  it("ends with the token, when its time comes or it is withdrawn", () => {
    const expired = opened();
    expired.at(9_999);
    expect(expired.host.isOver(expired.login)).toBe(false);
    expired.at(10_000);
    expect(expired.host.isOver(expired.login)).toBe(true);
    expect(expired.host.identify("token")).toBeUndefined();
    expect(expired.host.identify("other")).toBeDefined();
    const withdrawn = opened();
    withdrawn.access.reload([user({ tokens: [{ hash: hashOf("other") }] })]);
    expect(withdrawn.host.isOver(withdrawn.login)).toBe(true);
  });

  it("ends when its user may do less, and not when it may do more", () => {
    const { access, host, login } = opened();
    access.reload([user({ permissions: [{ topics: "*", allow: ["consume", "manage", "operate"] }] })]);
    expect(host.isOver(login)).toBe(false);
    access.reload([user({ permissions: [{ topics: "*", allow: ["consume"] }] })]);
    expect(host.isOver(login)).toBe(true);
  });

  it("ends by itself, and no other of the same token with it", () => {
    const { host, login } = opened();
    const second = host.identify("token");
    host.ended(login);
    expect(host.isOver(login)).toBe(true);
    expect(second !== undefined && host.isOver(second)).toBe(false);
  });
});
