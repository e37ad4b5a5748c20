import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { NativeClient } from "./native-client.js";
import { ANY_PORT, type Run, run, started } from "./program.js";

/** Resolves when the log has it. */
const logged = async ({ child, text }: Run, what: string): Promise<void> => {
  while (!text.err.includes(what)) await once(child.stderr, "data");
};

describe("the environment of ringmq serve", () => {
  it("is told apart from flags, with the name that was probably meant", async () => {
    const broker = await started(ANY_PORT, {
      RINGMQ_SHARD: "2",
      RINGMQ_MAX_CONECTIONS: "9",
      RINGMQ_COLOUR_OF_HAT: "red",
    });
    const lines = broker.text.err.split("\n").filter((line) => line.includes("WARN") && line.includes("variable="));
    const named = lines.map((line) => /variable=(\w+)(?: meant=(\w+))?/.exec(line)?.slice(1));
    expect(named).toContainEqual(["RINGMQ_SHARD", "RINGMQ_SHARDS"]);
    expect(named).toContainEqual(["RINGMQ_MAX_CONECTIONS", "RINGMQ_MAX_CONNECTIONS"]);
    expect(named).toContainEqual(["RINGMQ_COLOUR_OF_HAT", undefined]);
    expect(named.flat()).not.toContain("RINGMQ_DATA");
  });

  it("does not turn a switch on by saying false", async () => {
    const refused = run(["serve", ...ANY_PORT], { RINGMQ_ALLOW_BACKUP: "perhaps" });
    expect(await refused.exit).toEqual({ code: 2, signal: null });
    expect(refused.text.err).toContain("'--allow-backup' value 'perhaps' from env 'RINGMQ_ALLOW_BACKUP' is invalid");
  });
});

describe("the process of ringmq serve", () => {
  it("is refused without any way in", async () => {
    const broker = run(["serve", "--tcp", "off", "--http", "off"]);
    expect(await broker.exit).toEqual({ code: 2, signal: null });
    expect(broker.text.err).toMatch(/^error: --tcp off and --http off leave no way in/m);
  });

  it("goes on after SIGHUP, and ends in order after SIGTERM", async () => {
    const broker = await started();
    broker.child.kill("SIGHUP");
    await logged(broker, "SIGHUP");
    await (await NativeClient.greeted(broker.tcp)).ping();
    broker.child.kill("SIGTERM");
    expect(await broker.exit).toEqual({ code: 0, signal: null });
  });

  it("goes on when nobody reads what it prints any more", async () => {
    const broker = await started();
    broker.child.stdout.destroy();
    broker.child.stderr.destroy();
    // Each is a line for a log that is gone. The signals come in no order with requests, so one that is answered later
    // shows that the process is alive, and the orderly exit that the lines have not ended it.
    for (let i = 0; i < 5; i++) {
      broker.child.kill("SIGHUP");
      await (await NativeClient.greeted(broker.tcp)).ping();
    }
    broker.child.kill("SIGTERM");
    expect(await broker.exit).toEqual({ code: 0, signal: null });
  });
});
