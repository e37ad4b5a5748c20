import { describe, expect, it } from "vitest";
import { hashOf } from "../../../src/main/access/token-hash.js";
import { resolveOptions } from "../../../src/main/options.js";
import { checkUsers, type UserOptions } from "../../../src/main/user-options.js";

const TOKEN = "ringmq_a-secret-that-nobody-may-see";
const hash = hashOf(TOKEN);
const user: UserOptions = {
  name: "billing",
  tokens: [{ hash }],
  permissions: [{ topics: "orders.*", allow: ["publish"] }],
};

describe("the options of users", () => {
  it("are taken as they are where they are right", () => {
    const users: UserOptions[] = [
      user,
      {
        name: "ops",
        certificate: "CN=ops",
        tokens: [{ hash: hashOf("2"), expires: new Date(0) }],
        permissions: [{ topics: "*", allow: ["operate", "manage"] }],
        limits: { connections: 1, publishRate: 1, publishBytes: 1 },
      },
      { name: "guest", permissions: [] },
    ];
    expect(checkUsers(users)).toBe(users);
    expect(resolveOptions({ users, gmqIdentity: "guest" }).users).toBe(users);
  });

  // biome-ignore lint/suspicious/noExplicitAny: what a program in JavaScript may give
  const wrong: readonly [string, any, RegExp][] = [
    ["no list", {}, /^users must be a list/],
    ["no user", [null], /^users\[0\] must be an object/],
    ["an empty name", [{ ...user, name: "" }], /^users\[0\]\.name must be text of 1 to 255/],
    ["a name with a line break", [{ ...user, name: "a\nb" }], /^users\[0\]\.name/],
    [
      "an option that there is not",
      [{ ...user, permission: [] }],
      /^users\[0\] has no permission: it has name, tokens/,
    ],
    [
      "a token in place of its hash",
      [{ ...user, tokens: [{ hash: TOKEN }] }],
      /tokens\[0\]\.hash must be sha256: and 64/,
    ],
    ["a hash in capitals", [{ ...user, tokens: [{ hash: hash.toUpperCase() }] }], /tokens\[0\]\.hash/],
    [
      "an end that is no date",
      [{ ...user, tokens: [{ hash, expires: "soon" }] }],
      /tokens\[0\]\.expires must be a Date/,
    ],
    ["an end that is none", [{ ...user, tokens: [{ hash, expires: new Date(Number.NaN) }] }], /expires must be a Date/],
    ["no permissions", [{ name: "a" }], /^users\[0\]\.permissions must be a list/],
    [
      "a permission that there is not",
      [{ ...user, permissions: [{ topics: "*", allow: ["write"] }] }],
      /publish, consume, manage/,
    ],
    ["nothing allowed", [{ ...user, permissions: [{ topics: "*", allow: [] }] }], /permissions\[0\]\.allow/],
    ["an empty pattern", [{ ...user, permissions: [{ topics: "", allow: ["publish"] }] }], /permissions\[0\]\.topics/],
    [
      "operate for some topics",
      [{ ...user, permissions: [{ topics: "a.*", allow: ["operate"] }] }],
      /\* where operate is allowed/,
    ],
    ["a certificate without a kind", [{ ...user, certificate: "billing" }], /certificate must be as in CN=billing/],
    ["a limit of 0", [{ ...user, limits: { connections: 0 } }], /limits\.connections must be a whole number from 1/],
    ["a limit that there is not", [{ ...user, limits: { rate: 1 } }], /limits has no rate/],
    ["a name twice", [user, { ...user, tokens: [] }], /users\[1\] has the same name as users\[0\]/],
    ["a token twice", [user, { ...user, name: "b" }], /users\[1\] has the same token as users\[0\]/],
    [
      "a certificate twice",
      ["a", "b"].map((name) => ({ name, certificate: "CN=x", permissions: [] })),
      /users\[1\] has the same certificate/,
    ],
  ];
  it.each(wrong)("are refused: %s", (_what, users, text) => {
    expect(() => checkUsers(users)).toThrow(text);
    expect(() => checkUsers(users)).toThrow(RangeError);
  });

  it("are refused without showing what may be a token", () => {
    let text = "";
    try {
      checkUsers([{ ...user, tokens: [{ hash: TOKEN }] }]);
    } catch (error) {
      text = String(error);
    }
    expect(text).toContain("RangeError");
    expect(text).not.toContain(TOKEN);
  });

  it("name the user of listeners, or nobody", () => {
    expect(() => resolveOptions({ users: [user], gmqIdentity: "bill" })).toThrow(/gmqIdentity must be the name of one/);
    expect(() => resolveOptions({ gmqIdentity: "billing" })).toThrow(RangeError);
  });
});
