import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { readUsers } from "../../../src/cli/configuration/users.js";

const HASH = `sha256:${"ab".repeat(32)}`;
const OTHER = `sha256:${"cd".repeat(32)}`;

const read = (text: string): { readonly users: unknown; readonly faults: readonly string[] } => {
  const faults: string[] = [];
  const users = readUsers(parse(text)["users"], (fault) => faults.push(fault));
  return { users, faults };
};

describe("users of a file", () => {
  it("are as the broker takes them: sizes as numbers, ends as dates", () => {
    const text = `
      [[users]]
      name = "billing"
      tokens = [ { hash = "${HASH}", expires = 2027-01-01T00:00:00Z }, { hash = "${OTHER}" } ]
      certificate = "CN=billing"
      permissions = [ { topics = "orders.*", allow = ["publish", "consume"] }, { topics = "*", allow = ["operate"] } ]
      limits = { connections = 100, publishRate = 50000, publishBytes = "20MiB" }
      [[users]]
      name = "guest"
      permissions = []
    `;
    const expires = new Date("2027-01-01T00:00:00Z");
    const billing = {
      name: "billing",
      tokens: [{ hash: HASH, expires }, { hash: OTHER }],
      certificate: "CN=billing",
      permissions: [
        { topics: "orders.*", allow: ["publish", "consume"] },
        { topics: "*", allow: ["operate"] },
      ],
      limits: { connections: 100, publishRate: 50_000, publishBytes: 20 * 2 ** 20 },
    };
    expect(read(text)).toEqual({ users: [billing, { name: "guest", permissions: [] }], faults: [] });
  });

  it("are all checked, and named by name or number; a token is in no text", () => {
    const text = `
      [[users]]
      permissions = []
      [[users]]
      name = "billing"
      tokens = [ { hash = "the-token-itself" } ]
      permissions = []
      [[users]]
      name = "shop"
      permissions = [ { topics = "orders", allow = ["publsh"] } ]
      [[users]]
      name = "mail"
      permissions = []
      limits = { publishBytes = "20 potatoes" }
      [[users]]
      name = "stock"
      permission = []
    `;
    const { faults } = read(text);
    expect(faults).toHaveLength(5);
    expect(faults[0]).toMatch(/^\[\[users\]\] number 1: name must be /);
    expect(faults[1]).toMatch(/^\[\[users\]\] billing: tokens\[0\]\.hash must be sha256: /);
    expect(faults[2]).toMatch(/^\[\[users\]\] shop: permissions\[0\]\.allow must be a list of publish, /);
    expect(faults[3]).toMatch(/^\[\[users\]\] mail: limits\.publishBytes = "20 potatoes": It must be a size/);
    expect(faults[4]).toMatch(/^\[\[users\]\] stock has no permission: it has name, /);
    expect(faults.join("\n")).not.toContain("the-token-itself");
  });

  it("are there once", () => {
    const text = '[[users]]\nname = "a"\npermissions = []\n[[users]]\nname = "a"\npermissions = []';
    expect(read(text).faults).toEqual(["[[users]] a has the same name as [[users]] a"]);
  });

  it("are sections", () => {
    expect(read("[users]\nname = 3").faults).toEqual(["users must be sections: [[users]], each with its keys below"]);
    expect(read("users = [1]").faults).toEqual([
      expect.stringMatching(/^\[\[users\]\] number 1 must be an object of name, /),
    ]);
  });
});
