/** Programs of the build on the PATH, run by a shell as a user writes their command lines. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { testDirectory } from "./brokers.js";

/** By what they are called, and the files that they are. */
const PROGRAMS = {
  gnode: "gnode",
  gregister: "gregister",
  gweb: "gweb",
  gclient: "gclient",
  ringmq: "ringmq",
  memmq: "memmq",
  "memmq.bin": "memmq",
};

/** A directory with the programs in it, as `bin` of the package makes one. */
const programDirectory = (): string => {
  const directory = testDirectory();
  for (const [name, main] of Object.entries(PROGRAMS)) {
    const file = fileURLToPath(new URL(`../../dist/cli/${main}.js`, import.meta.url));
    const shim = join(directory, name);
    writeFileSync(shim, `#!/bin/sh\nexec '${process.execPath}' '${file}' "$@"\n`);
    chmodSync(shim, 0o755);
  }
  return directory;
};

export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  /** What it has written so far. */
  readonly text: { out: string; err: string };
  /** Its exit code, when it has ended and all it wrote has been read. */
  readonly exit: Promise<number | null>;
  /** Resolves when it has written this, to either stream. Rejects when it ends before. */
  readonly said: (what: string | RegExp) => Promise<string>;
}

/** A shell with the programs on its PATH and a working directory. What it runs is killed when the test ends. */
export class Shell {
  readonly #env: Record<string, string | undefined>;

  constructor(
    readonly directory = testDirectory(),
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#env = { ...process.env, ...env, PATH: `${programDirectory()}${delimiter}${process.env["PATH"]}` };
  }

  /** Runs a line of one program, which gets the signals that `child` is sent. */
  program(line: string): Running {
    return this.#run(`exec ${line}`);
  }

  /** Runs any line to its end; answers what it has written to standard output. */
  async output(line: string): Promise<string> {
    const { text, exit } = this.#run(`${line}\nwait`);
    await exit;
    return text.out;
  }

  #run(line: string): Running {
    const child = spawn("sh", ["-c", line], { cwd: this.directory, env: this.#env });
    const text = { out: "", err: "" };
    let look = (): void => {};
    for (const [name, stream] of [
      ["out", child.stdout],
      ["err", child.stderr],
    ] as const) {
      stream.on("data", (bytes: Buffer) => {
        text[name] += bytes.toString();
        look();
      });
    }
    const exit = once(child, "close").then(([code]) => code as number | null);
    onTestFinished(() => {
      child.kill("SIGKILL");
    });
    const said = (what: string | RegExp): Promise<string> =>
      new Promise((resolve, reject) => {
        look = () => {
          const all = text.out + text.err;
          const found = typeof what === "string" ? all.includes(what) && what : what.exec(all)?.[0];
          if (found) resolve(found);
        };
        look();
        exit.then((code) => reject(new Error(`${line}: exit ${code}: ${text.out}${text.err}`)));
      });
    return { child, text, exit, said };
  }
}

export const isFree = async (port: number): Promise<boolean> => {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  const listens = await once(server, "listening").then(
    () => true,
    () => false,
  );
  server.close();
  return listens;
};

export const freePort = async (): Promise<number> => {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
};

/** Puts free ports in the places of those in a text that are taken on this machine. */
export const withFreePorts = async (ports: readonly number[]): Promise<(text: string) => string> => {
  const places = new Map<number, number>();
  for (const port of ports) if (!(await isFree(port))) places.set(port, await freePort());
  return (text) => [...places].reduce((changed, [from, to]) => changed.replaceAll(`:${from}`, `:${to}`), text);
};
