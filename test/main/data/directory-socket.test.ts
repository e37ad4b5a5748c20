import { symlinkSync } from "node:fs";
import { platform } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { DirectorySocket } from "../../../src/main/data/directory-socket.js";
import { testDirectory } from "../../e2e/brokers.js";

const taken = async (directory: string): Promise<DirectorySocket | undefined> => {
  const socket = await DirectorySocket.take(directory);
  onTestFinished(() => socket?.close());
  return socket;
};

describe.runIf(platform() === "linux")("the socket of a data directory", () => {
  it("is had once, whatever the name of the directory, until it is closed", async () => {
    const directory = testDirectory();
    const link = join(testDirectory(), "link");
    symlinkSync(directory, link);
    const first = await taken(directory);
    expect(first).toBeDefined();
    expect(await taken(link)).toBeUndefined();
    first?.close();
    expect(await taken(link)).toBeDefined();
  });

  it("survives that a connection cannot be accepted", async () => {
    const socket = await taken(testDirectory());
    expect(() => socket?.server?.emit("error", new Error("accept EMFILE"))).not.toThrow();
  });
});
