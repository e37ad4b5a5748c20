/**
 * A broker of its own process, on ports that the system chooses, with a data directory of its own.
 */

import type { Address } from "../wire/address.js";
import { projectFile } from "./command.js";
import { DataDirectory } from "./data-directory.js";
import type { Level } from "./durability.js";
import { ServerProcess } from "./server-process.js";

export interface BrokerAddresses {
  readonly tcp: Address;
  readonly ws: Address;
  /** `http://host:port`. */
  readonly http: string;
}

export interface BrokerSettings {
  /** A directory for CPU profiles. */
  readonly profile?: string | undefined;
  /** CPUs to run on. */
  readonly cpus?: string | undefined;
  readonly shards?: number | undefined;
  /** Budget for messages in memory, in bytes. Default: the broker's own. */
  readonly memory?: number | undefined;
  readonly durability: Level;
  /** Where its data directory is made, and the bytes that must be free there. */
  readonly data: { readonly parent: string; readonly bytes: number };
}

/** A start that reads a journal takes as long as the disk does. */
const START_MS = 10 * 60_000;

/** Of what `ringmq serve` prints; the white space behind an address shows that it is whole. */
const parse = (output: string): BrokerAddresses | undefined => {
  const tcp = /tcp:\/\/([\d.]+):(\d+)\s/.exec(output);
  const http = /http:\/\/([\d.]+):(\d+)\s/.exec(output);
  if (tcp?.[1] === undefined || http?.[1] === undefined) return undefined;
  return {
    tcp: { transport: "tcp", host: tcp[1], port: Number(tcp[2]) },
    ws: { transport: "ws", host: http[1], port: Number(http[2]) },
    http: `http://${http[1]}:${http[2]}`,
  };
};

const start = (settings: BrokerSettings, directory: DataDirectory | undefined) => {
  const { cpus, shards, profile, memory, durability } = settings;
  const args = ["serve", "--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--durability", durability];
  if (directory !== undefined) args.push("--data", directory.path);
  if (shards !== undefined) args.push("--shards", String(shards));
  if (memory !== undefined) args.push("--memory", String(memory));
  return ServerProcess.start({ script: projectFile("dist/cli/ringmq.js"), args, cpus, profile }, parse, START_MS);
};

export class Broker implements AsyncDisposable {
  private constructor(
    private readonly settings: BrokerSettings,
    /** None at the level memory. */
    readonly directory: DataDirectory | undefined,
    private server: ServerProcess<BrokerAddresses>,
  ) {}

  static async start(settings: BrokerSettings): Promise<Broker> {
    const { durability, data } = settings;
    const directory = durability === "memory" ? undefined : DataDirectory.make(data.parent, data.bytes);
    return new Broker(settings, directory, await start(settings, directory));
  }

  get pid(): number {
    return this.server.pid;
  }

  get listening(): BrokerAddresses {
    return this.server.listening;
  }

  /** From the start of the process until it said where it listens. */
  get startSeconds(): number {
    return this.server.startSeconds;
  }

  /** The end of what it has logged. */
  get log(): string {
    return this.server.log;
  }

  /** Ends it as a crash would; `restart` starts it on what it has left. */
  kill(): Promise<void> {
    return this.server.kill();
  }

  /** The process, its addresses and its times are others then. */
  async restart(): Promise<void> {
    this.server = await start(this.settings, this.directory);
  }

  /** Stops it in order and removes its data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    this.directory?.[Symbol.dispose]();
  }
}
