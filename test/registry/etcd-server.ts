/**
 * etcd for tests: the one on the PATH, else that of Debian's package `etcd-server`, which is fetched and unpacked into the
 * project's cache. It is not installed, so that no service starts and nothing of the machine changes.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import { makeDirectory, removeDirectory } from "../directories.js";
import { ROOT } from "../project/document.js";

/** For a `beforeAll` that fetches the package: tens of megabytes from a slow mirror. */
export const ETCD_FETCH_TIMEOUT = 180_000;

const CACHE = join(ROOT, "node_modules", ".cache", "ringmq-etcd");
const IN_PACKAGE = join("usr", "bin", "etcd");

const run = promisify(execFile);

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The path of the program. Rejects with what to do when it cannot be had. */
export const findEtcd = async (): Promise<string> => {
  const onPath = (process.env["PATH"] ?? "").split(delimiter).map((directory) => join(directory, "etcd"));
  for (const path of [...onPath, join(CACHE, IN_PACKAGE)]) if (await exists(path)) return path;
  try {
    await fetchPackage();
    return join(CACHE, IN_PACKAGE);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `these tests need etcd on the PATH, or Debian's apt-get to fetch the package etcd-server: ${reason}`,
    );
  }
};

const fetchPackage = async (): Promise<void> => {
  await mkdir(join(CACHE, ".."), { recursive: true });
  const folder = await mkdtemp(`${CACHE}-`);
  try {
    // apt-get drops to a user of its own while it downloads.
    await chmod(folder, 0o777);
    const download = (): Promise<unknown> => run("apt-get", ["download", "etcd-server"], { cwd: folder });
    await download().catch(async () => {
      // A fresh machine has no lists of packages yet.
      await run("apt-get", ["update"]);
      await download();
    });
    const file = (await readdir(folder)).find((name) => name.endsWith(".deb"));
    if (file === undefined) throw new Error("apt-get downloaded nothing");
    await run("dpkg-deb", ["-x", join(folder, file), join(folder, "unpacked")]);
    // Another test may have been faster.
    if (!(await exists(join(CACHE, IN_PACKAGE)))) await rename(join(folder, "unpacked"), CACHE);
  } catch (error) {
    if (!(await exists(join(CACHE, IN_PACKAGE)))) throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
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
