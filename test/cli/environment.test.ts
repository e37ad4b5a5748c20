import { Command, Option } from "commander";
import { describe, expect, it } from "vitest";
import { forgetEmptyVariables, unknownVariables } from "../../src/cli/environment.js";

const command = (): Command =>
  new Command()
    .addOption(new Option("--tcp <a>").env("RINGMQ_TCP"))
    .addOption(new Option("--http <a>").env("RINGMQ_HTTP"))
    .addOption(new Option("--allow-backup").env("RINGMQ_ALLOW_BACKUP"));

describe("variables that are no flags", () => {
  it.each([
    ["RINGMQ_HTP", "RINGMQ_HTTP"],
    ["RINGMQ_HTTPS", "RINGMQ_HTTP"],
    ["RINGMQ_ALOW_BAKUP", "RINGMQ_ALLOW_BACKUP"],
    ["ringmq_tcp", "RINGMQ_TCP"],
    ["RINGMQ_X", undefined],
    ["RINGMQ_", undefined],
    ["RINGMQ_PASSWORD", undefined],
  ])("%s is one; meant is %s", (variable, meant) => {
    const expected = meant === undefined ? { variable } : { variable, meant };
    expect(unknownVariables({ [variable]: "1", RINGMQ_TCP: "off", PATH: "x" }, command())).toEqual([expected]);
  });
});

it("an empty variable is none, if it is one of ours", () => {
  const env = { RINGMQ_TCP: "", ringmq_x: "", RINGMQ_HTTP: "off", PATH: "" };
  forgetEmptyVariables(env);
  expect(env).toEqual({ RINGMQ_HTTP: "off", PATH: "" });
});
