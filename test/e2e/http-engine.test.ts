/** The program where uWebSockets.js is not installed, and where it is told which engine serves HTTP. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { Op } from "../../src/protocol/op.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { ENGINE_NAMES } from "../http-engine.js";
import { frame, readFrame } from "../main/frames.js";
import { testDirectory } from "./brokers.js";
import { ANY_PORT, run, started } from "./program.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The package with all that it depends on but uWebSockets.js, as npm leaves it without optional dependencies. */
const packageWithout = (): string => {
  const directory = makeDirectory();
  cpSync(join(ROOT, "dist"), join(directory, "dist"), { recursive: true });
  cpSync(join(ROOT, "package.json"), join(directory, "package.json"));
  const modules = join(directory, "node_modules");
  mkdirSync(modules);
  for (const name of readdirSync(join(ROOT, "node_modules"))) {
    if (name !== "uWebSockets.js") symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  }
  return directory;
};

describe("where uWebSockets.js is not installed", () => {
  let program = "";
  beforeAll(() => {
    const directory = packageWithout();
    program = join(directory, "dist/cli/ringmq.js");
    return () => removeDirectory(directory);
  });

  const begun = async (...args: string[]) => {
    const env = { ...process.env, RINGMQ_DATA: testDirectory() };
    Reflect.deleteProperty(env, "RINGMQ_HTTP_ENGINE");
    const child = spawn(process.execPath, [program, "serve", ...ANY_PORT, ...args], { env });
    onTestFinished(() => void child.kill("SIGKILL"));
    const text = { out: "", err: "" };
    child.stdout.on("data", (bytes: Buffer) => {
      text.out += bytes.toString();
    });
    child.stderr.on("data", (bytes: Buffer) => {
      text.err += bytes.toString();
    });
    const exit = once(child, "close").then(([code]) => code as number | null);
    return { text, exit, child };
  };

  it("the program says which engine it has, and serves HTTP and WebSocket", async () => {
    const { text, exit, child } = await begun();
    while (!text.out.includes("try: ")) {
      const ended = exit.then((code) => {
        throw new Error(`exit ${code}: ${text.err}`);
      });
      await Promise.race([once(child.stdout, "data"), ended]);
    }
    expect(text.err).toMatch(
      /HTTP engine: node \(uWebSockets\.js cannot be loaded: Cannot find package 'uWebSockets\.js'/,
    );
    const address = /http:\/\/(127\.0\.0\.1:\d+)$/m.exec(text.out)?.[1];
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const body = 'data={"topic":"t","body":"hello"}';
    const pushed = await fetch(`http://${address}/push`, { method: "POST", headers, body });
    expect(await pushed.text()).toMatch(/"code":0/);
    expect(await (await fetch(`http://${address}/pop?topic=t`)).text()).toMatch(/"body":"hello"/);
    const socket = new WebSocket(`ws://${address}/mq`);
    await once(socket, "open");
    socket.send(frame(Op.HELLO, 1, [1, "test"]));
    const [answer] = (await once(socket, "message")) as [Buffer];
    expect(readFrame(answer).op).toBe(Op.HELLO);
    child.kill("SIGTERM");
    expect(await exit).toBe(0);
  });

  it("a start that asks for it fails, and says what to do", async () => {
    const { text, exit } = await begun("--http-engine", "uws");
    expect(await exit).toBe(1);
    expect(text.err).toMatch(/^error: uWebSockets\.js cannot be loaded .*: start with --http-engine node or auto/m);
  });

  it("it is not looked for when there is no HTTP", async () => {
    const { text, exit, child } = await begun("--http", "off", "--http-engine", "uws");
    while (!text.out.includes("TCP")) await once(child.stdout, "data");
    child.kill("SIGTERM");
    expect(await exit).toBe(0);
    expect(text.err).not.toContain("HTTP engine");
  });
});

describe("the engine", () => {
  it.each(ENGINE_NAMES)("is the one that the flag or the environment names: %s", async (name) => {
    const byFlag = await started([...ANY_PORT, "--http-engine", name]);
    expect(byFlag.text.err).toContain(`HTTP engine: ${name} (`);
    const byEnvironment = await started(ANY_PORT, { RINGMQ_HTTP_ENGINE: name });
    expect(byEnvironment.text.err).toContain(`HTTP engine: ${name} (`);
    expect(await (await fetch(`http://127.0.0.1:${byFlag.http}/ping`)).text()).toBe("OK");
  });

  it("is no other", async () => {
    const { text, exit } = run(["serve", ...ANY_PORT, "--http-engine", "apache"]);
    expect((await exit).code).toBe(2);
    expect(text.err).toMatch(/--http-engine.*auto, uws, node/);
  });
});
