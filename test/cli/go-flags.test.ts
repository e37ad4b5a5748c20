import { describe, expect, it } from "vitest";
import { withTwoDashes } from "../../src/cli/go-flags.js";

const NAMES = new Set(["topic", "push_num", "message"]);
const rewritten = (...args: string[]): string[] => withTwoDashes(args, NAMES);

describe("flags in Go's style", () => {
  it("have one dash or two, and their value in the same argument or the next", () => {
    const meant = ["--topic=a", "--push_num=5"];
    expect(rewritten("-topic=a", "-push_num=5")).toEqual(meant);
    expect(rewritten("--topic=a", "--push_num", "5")).toEqual(meant);
    expect(rewritten("-topic", "a", "--push_num=5")).toEqual(meant);
  });

  it("take the next argument for their value, whatever it looks like", () => {
    expect(rewritten("-message", "-topic", "-push_num", "-5")).toEqual(["--message=-topic", "--push_num=-5"]);
    expect(rewritten("-message", "--")).toEqual(["--message=--"]);
  });

  it("have values with equals signs, dashes and line breaks in them, and empty ones", () => {
    expect(rewritten("-message=a=b -c\n--d", "-topic=")).toEqual(["--message=a=b -c\n--d", "--topic="]);
    expect(rewritten("-message", "")).toEqual(["--message="]);
  });

  it("are left to be refused when nobody knows them, or their value is missing", () => {
    expect(rewritten("-nose", "a", "-topic")).toEqual(["--nose", "a", "--topic"]);
    expect(rewritten("-nose=a")).toEqual(["--nose"]);
    expect(rewritten("---topic", "-", "a")).toEqual(["---topic", "-", "a"]);
  });

  it("are switches, which never take the next argument, in Go's way", () => {
    const switches = (...args: string[]): string[] => withTwoDashes(args, NAMES, new Set(["client", "i"]));
    expect(switches("--client", "-topic", "a", "-i")).toEqual(["--client=true", "--topic=a", "--i=true"]);
    expect(switches("-client=false", "-i", "rest")).toEqual(["--client=false", "--i=true", "rest"]);
    expect(switches("-topic", "-i")).toEqual(["--topic=-i"]);
  });

  it("ask for help with -h and -help, and end at two dashes", () => {
    expect(rewritten("-h")).toEqual(["--help"]);
    expect(rewritten("-help")).toEqual(["--help"]);
    expect(rewritten("--", "-topic")).toEqual(["--", "-topic"]);
  });
});
