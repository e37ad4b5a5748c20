import { describe, expect, it } from "vitest";
import type { FindingCode as ClientCode } from "../../src/client/admin/finding.js";
import { OWN_CODES } from "../../src/client/base/error.js";
import { UNKNOWN } from "../../src/main/native/message-history.js";
import { resolveOptions } from "../../src/main/options.js";
import { ERRORS } from "../../src/protocol/errors.js";
import * as limits from "../../src/protocol/limits.js";
import * as ops from "../../src/protocol/op.js";
import { Answer, Durability, Op, PROTOCOL_VERSION } from "../../src/protocol/op.js";
import { FINDINGS, type FindingCode } from "../../src/shard/consumers/finding.js";
import { CHANNEL_DEFAULTS } from "../../src/shard/topics/channel-defaults.js";
import { DEFAULT_CONFIG } from "../../src/shard/topics/topic.js";
import { cell, leadingNumber, readDocument, section, tableRows } from "./document.js";

const protocol = readDocument("docs/protocol.md");

const yes = (text: string): boolean => {
  if (text !== "yes" && text !== "no") throw new Error(`"${text}" is neither yes nor no`);
  return text === "yes";
};

describe("docs/protocol.md and the code", () => {
  it("list the same errors, with the same codes and consequences", () => {
    const documented = tableRows(section(protocol, "Errors")).map((row) => [
      cell(row, "name"),
      {
        code: leadingNumber(cell(row, "code")),
        retryable: yes(cell(row, "retryable")),
        closes: yes(cell(row, "closes")),
      },
    ]);
    expect(Object.fromEntries(documented)).toEqual(ERRORS);
  });

  it("list the same codes of the client's own, none of which is one of the broker's", () => {
    const documented = tableRows(section(protocol, "Codes of the client")).map((row) => [
      cell(row, "client's code"),
      yes(cell(row, "retryable")),
    ]);
    expect(Object.fromEntries(documented)).toEqual(OWN_CODES);
    expect(Object.keys(OWN_CODES).filter((name) => Object.hasOwn(ERRORS, name))).toEqual([]);
  });

  it("use each error code once", () => {
    const codes = Object.values(ERRORS).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it("list the same requests", () => {
    const documented = tableRows(section(protocol, "Requests"))
      .filter((row) => row.has("op"))
      .map((row) => [cell(row, "name"), leadingNumber(cell(row, "op"))]);
    expect({ HELLO: 0x01, ...Object.fromEntries(documented) }).toEqual(Op);
    expect(section(protocol, "Handshake")).toContain("HELLO (0x01)");
  });

  it("list the same answers", () => {
    const documented = tableRows(section(protocol, "Answers")).map((row) => [
      cell(row, "name"),
      leadingNumber(cell(row, "op")),
    ]);
    expect(Object.fromEntries(documented)).toEqual(Answer);
  });

  it("list the same findings of EXPLAIN, in the order of their weight, and so does the client", () => {
    const documented = tableRows(section(protocol, "Requests")).filter((row) => row.has("finding"));
    expect(documented.map((row) => cell(row, "finding"))).toEqual(FINDINGS);
    const codes: readonly ClientCode[] = FINDINGS;
    const ofClient: readonly FindingCode[] = codes;
    expect(ofClient).toHaveLength(FINDINGS.length);
  });

  it("list the same that HISTORY cannot tell", () => {
    const documented = tableRows(section(protocol, "Requests")).filter((row) => row.has("unknown"));
    expect(documented.map((row) => cell(row, "unknown"))).toEqual(UNKNOWN);
  });

  it("name errors, requests, answers and flags as the code does", () => {
    const named = [...protocol.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, name]) => name);
    const known = [
      ...Object.keys(ERRORS),
      ...Object.keys(Op),
      ...Object.keys(Answer),
      ...Object.keys(ops),
      ...FINDINGS,
      ...UNKNOWN,
    ];
    expect(named.filter((name) => name !== undefined && !known.includes(name))).toEqual([]);
  });

  it("agree on the version and on the levels of durability", () => {
    expect(protocol.split("\n")[0]).toBe(`# The native protocol, version ${PROTOCOL_VERSION}`);
    for (const [name, number] of Object.entries(Durability)) expect(protocol).toContain(`${number} \`${name}\``);
  });

  it("agree on the limits that bind a client, which are those in code type", () => {
    const bound = new Map(
      [...section(protocol, "Limits").matchAll(/^\| `(\w+)` +\| ([^|]+)\|/gm)].map(([, name = "", text = ""]) => [
        name,
        leadingNumber(text),
      ]),
    );
    expect(Object.fromEntries(bound)).toEqual({
      maxMessageBytes: limits.MAX_MESSAGE_BYTES,
      maxFrameBytes: limits.MAX_FRAME_BYTES,
      maxBatchMessages: limits.MAX_BATCH_MESSAGES,
      maxInFlight: limits.MAX_IN_FLIGHT,
      maxNameBytes: limits.MAX_NAME_BYTES,
    });
  });

  it("agree on the limits that the broker keeps to itself", () => {
    const options = resolveOptions();
    const bytes = (text: string): number => leadingNumber(text) * (text.includes(" MiB") ? 1024 * 1024 : 1);
    const stated = [...section(protocol, "Limits").matchAll(/^\| (max\w+) +\| ([^|]+)\|/gm)].map(
      ([, name = "", text = ""]) => [name, bytes(text)],
    );
    expect(Object.fromEntries(stated)).toEqual({
      maxConnections: options.maxConnections,
      maxConnectionsPerAddress: options.maxConnectionsPerAddress,
      maxTopics: options.maxTopics,
      maxTopicsPerConnection: options.maxTopicsPerConnection,
      maxQueues: options.maxQueues,
      maxConsumers: options.maxConsumers,
      maxConsumersPerConnection: options.maxConsumersPerConnection,
      maxOutgoingBytes: options.maxOutgoingBytes,
    });
  });

  /** The table of keys behind the paragraph that begins with a request's name. */
  const configurationOf = (request: string): unknown => {
    const requests = section(protocol, "Requests");
    const from = requests.indexOf(`**${request}** takes a map`);
    const until = requests.indexOf("\n\n**", from);
    const value = (text: string): unknown => {
      const number = /^[0-9]/.test(text) ? leadingNumber(text) : undefined;
      return number === undefined ? text : text.endsWith(" MiB") ? number * 1024 * 1024 : number;
    };
    const rows = tableRows(requests.slice(from, until));
    return Object.fromEntries(rows.map((row) => [cell(row, "key"), value(cell(row, "default"))]));
  };

  it("agree on the configuration of a topic", () => {
    // A topic that says nothing of durability follows its broker.
    const absent = { durability: "the broker's" };
    expect(configurationOf("CONFIGURE")).toEqual({
      ...DEFAULT_CONFIG,
      ...absent,
      autoAck: String(DEFAULT_CONFIG.autoAck),
    });
  });

  it("agree on the configuration of a channel", () => {
    const { maxMessages, maxBytes, maxAge, historyBytes } = CHANNEL_DEFAULTS;
    expect(configurationOf("CONFIGURE_CHANNEL")).toEqual({
      keep: "--persist",
      maxMessages,
      maxBytes,
      maxAge,
      // What a subscriber may ask for is not there before it does.
      history: 0,
      historyBytes,
      durability: "the broker's",
    });
  });

  it("agree on the limits that a sentence states", () => {
    const grouped = (n: number): string => n.toLocaleString("en");
    const text = protocol.replaceAll(/\s+/g, " ");
    expect(text).toContain(`entries, 1 to ${grouped(limits.MAX_BATCH_MESSAGES)}`);
    expect(text).toContain(`select at most ${grouped(limits.MAX_SELECTED)} messages`);
    expect(text).toContain(`at most ${grouped(limits.MAX_BROWSE)}) messages`);
    expect(text).toContain(`Empty means \`${limits.DEFAULT_KEY}\``);
    expect(limits.DEFAULT_POP_BYTES, "POP: default 1 MiB").toBe(1024 * 1024);
    expect(text).toContain("`max bytes` (default 1 MiB");
    expect(limits.MAX_DELAY, "at most 10 years").toBe(10 * 365 * 24 * 3600 * 1000);
    expect(text).toContain("holds it back; at most 10 years");
  });

  it("agree on what the limits can be set to", () => {
    const text = section(protocol, "Limits").replaceAll(/\s+/g, " ");
    const sentences = text.slice(text.indexOf("What they can be set to"), text.indexOf("Where less than 100"));
    const bounds = [...sentences.matchAll(/`(max\w+)`((?: and)? at (?:least|most) [\d,]+)+/g)].flatMap(
      ([all, name = ""]) =>
        [...all.matchAll(/at (least|most) ([\d,]+)/g)].map(([, side, digits = ""]) => ({
          name,
          bound: leadingNumber(digits),
          beyond: leadingNumber(digits) + (side === "most" ? 1 : -1),
        })),
    );
    expect(bounds.length).toBeGreaterThan(10);
    for (const { name, bound, beyond } of bounds) {
      expect(resolveOptions({ [name]: bound })).toMatchObject({ [name]: bound });
      expect(() => resolveOptions({ [name]: beyond }), name).toThrow(`${name} must be`);
    }
    for (const name of ["maxBatchMessages", "maxNameBytes", "maxConsumers"] as const) {
      expect(bounds).toContainEqual(expect.objectContaining({ name, bound: resolveOptions()[name] }));
    }
  });
});
