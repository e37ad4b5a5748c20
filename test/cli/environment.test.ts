import { Command, Option } from "commander";
import { describe, expect, it, onTestFinished } from "vitest";
import { forgetEmptyVariables, switchInEnvironment, unknownVariables } from "../../src/cli/environment.js";

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

describe("a switch in the environment", () => {
  const said = (text: string, args: readonly string[] = []): Readonly<Record<string, boolean>> => {
    process.env["RINGMQ_ALLOW_BACKUP"] = text;
    onTestFinished(() => {
      delete process.env["RINGMQ_ALLOW_BACKUP"];
    });
    const made = command().parse(args, { from: "user" });
    return { ...made.opts(), ...switchInEnvironment(made, "allowBackup") };
  };

  it.each(["1", "true", "TRUE"])("is on: %s", (text) => expect(said(text)).toEqual({ allowBackup: true }));
  it.each(["0", "false", ""])("is off: %j", (text) => expect(said(text)).toEqual({ allowBackup: false }));
  it("gives way to the flag", () => expect(said("false", ["--allow-backup"])).toEqual({ allowBackup: true }));
});
