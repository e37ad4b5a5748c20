/**
 * etcd for tests: the one on the PATH, else that of Debian's package `etcd-server`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { onTestFinished } from "vitest";
import { debianPackage, exists } from "../debian-package.js";
import { makeDirectory, removeDirectory } from "../directories.js";

const IN_PACKAGE = join("usr", "bin", "etcd");

/** The path of the program. Rejects with what to do when it cannot be had. */
export const findEtcd = async (): Promise<string> => {
  const onPath = (process.env["PATH"] ?? "").split(delimiter).map((directory) => join(directory, "etcd"));
  for (const path of onPath) if (await exists(path)) return path;
  try {
    return join(await debianPackage("etcd-server"), IN_PACKAGE);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `these tests need etcd on the PATH, or Debian's apt-get to fetch the package etcd-server: ${reason}`,
    );
  }
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP port has an address");
  server.close();
  await once(server, "close");
  return address.port;
};

/** How etcd says, in either of its log formats, that its port is open. */
const READY = /ready to serve client requests/;

/** An etcd of one member, killed when the test ends. */
export class EtcdServer {
  readonly endpoint: string;
  readonly #program: string;
  readonly #data: string;
  #child: ChildProcess | undefined;

  private constructor(program: string, data: string, port: number) {
    this.#program = program;
    this.#data = data;
    this.endpoint = `http://127.0.0.1:${port}`;
  }

  static async start(): Promise<EtcdServer> {
    const data = makeDirectory();
    const server = new EtcdServer(await findEtcd(), data, await freePort());
    onTestFinished(async () => {
      await server.kill();
      removeDirectory(data);
    });
    await server.start();
    return server;
  }

  /** Starts it, again with what it had on its disk. */
  async start(): Promise<void> {
    // Its gateway connects to the address that it is told to advertise, so port 0 will not do.
    const flags = [
      ["--data-dir", join(this.#data, "etcd")],
      ["--listen-client-urls", this.endpoint],
      ["--advertise-client-urls", this.endpoint],
      ["--listen-peer-urls", "http://127.0.0.1:0"],
    ].flat();
    const child = spawn(this.#program, flags, { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    let text = "";
    await new Promise<void>((resolve, reject) => {
      child.stderr.on("data", (bytes: Buffer) => {
        text += bytes.toString();
        if (READY.test(text)) resolve();
      });
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`etcd has ended: ${text}`)));
    });
  }

  /** As a machine that fails: `SIGKILL`. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }

  /** Forgets all it had. */
  wipe(): void {
    removeDirectory(join(this.#data, "etcd"));
  }
}
