/**
 * A broker in its own process, on ports chosen by the system, with its own data directory.
 */

import type { Address } from "../wire/address.js";
import { projectFile } from "./command.js";
import { DataDirectory } from "./data-directory.js";
import type { Level } from "./durability.js";
import { ServerProcess } from "./server-process.js";
import { UsersFile } from "./users-file.js";

export interface BrokerAddresses {
  readonly tcp: Address;
  readonly ws: Address;
  /** `http://host:port`, or `https://…`. */
  readonly http: string;
  /** `host:port`; empty when it is off. */
  readonly grpc: string;
}

export interface BrokerSettings {
  /** A directory for CPU profiles. */
  readonly profile?: string | undefined;
  /** CPUs to run on. */
  readonly cpus?: string | undefined;
  readonly shards?: number | undefined;
  /** Whether it serves gRPC. Default: no. */
  readonly grpc?: boolean | undefined;
  /** Whether its HTTP port speaks TLS, with a certificate that it makes. Default: no. */
  readonly httpTls?: boolean | undefined;
  /** Connections that it lets in, of one address too. Default: the broker's own. */
  readonly connections?: number | undefined;
  /** Budget for messages in memory, in bytes. Default: the broker's own. */
  readonly memory?: number | undefined;
  /** Whether it has users, one of whom the addresses have a token of. Default: no. */
  readonly users?: boolean | undefined;
  readonly durability: Level;
  /** The directory in which its data directory is made, and the bytes that must be free there. */
  readonly data: { readonly parent: string; readonly bytes: number };
}

/** A start that reads a journal may take long. */
const START_MS = 10 * 60_000;

/** Parses the output of `ringmq serve`. White space after an address shows that it is complete. */
const parse = (output: string, token: string | undefined): BrokerAddresses | undefined => {
  const tcp = /tcp:\/\/([\d.]+):(\d+)\s/.exec(output);
  const http = /(https?):\/\/([\d.]+):(\d+)\s/.exec(output);
  if (tcp?.[1] === undefined || http?.[2] === undefined) return undefined;
  return {
    tcp: { transport: "tcp", host: tcp[1], port: Number(tcp[2]), token },
    ws: { transport: "ws", host: http[2], port: Number(http[3]), token },
    http: `${http[1]}://${http[2]}:${http[3]}`,
    grpc: /gRPC +(\S+)/.exec(output)?.[1] ?? "",
  };
};

const start = (settings: BrokerSettings, directory: DataDirectory | undefined, users: UsersFile | undefined) => {
  const { cpus, shards, profile, grpc, httpTls, connections, memory, durability } = settings;
  const args = ["serve", "--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--durability", durability];
  if (grpc === true) args.push("--grpc", "127.0.0.1:0");
  if (users !== undefined) args.push("--config", users.path);
  if (directory !== undefined) args.push("--data", directory.path);
  if (shards !== undefined) args.push("--shards", String(shards));
  if (httpTls === true) args.push("--tls-self-signed", "--tls-ports", "http");
  if (connections !== undefined) {
    args.push("--max-connections", String(connections), "--max-connections-per-address", String(connections));
  }
  if (memory !== undefined) args.push("--memory", String(memory));
  const command = { script: projectFile("dist/cli/ringmq.js"), args, cpus, profile };
  return ServerProcess.start(command, (output) => parse(output, users?.token), START_MS);
};

export class Broker implements AsyncDisposable {
  #companion: Disposable | undefined;

  private constructor(
    private readonly settings: BrokerSettings,
    /** Undefined at the level memory. */
    readonly directory: DataDirectory | undefined,
    private readonly users: UsersFile | undefined,
    private server: ServerProcess<BrokerAddresses>,
  ) {}

  static async start(settings: BrokerSettings): Promise<Broker> {
    const { durability, data } = settings;
    const directory = durability === "memory" ? undefined : DataDirectory.make(data.parent, data.bytes);
    const users = settings.users === true ? new UsersFile() : undefined;
    return new Broker(settings, directory, users, await start(settings, directory, users));
  }

  get pid(): number {
    return this.server.pid;
  }

  get listening(): BrokerAddresses {
    return this.server.listening;
  }

  /** From the start of the process until it printed its addresses. */
  get startSeconds(): number {
    return this.server.startSeconds;
  }

  /** The end of its log. */
  get log(): string {
    return this.server.log;
  }

  /** What is ended before the broker is stopped. */
  accompany(companion: Disposable): void {
    this.#companion = companion;
  }

  /** Kills it, as a crash would. `restart` starts it on the data that is left. */
  kill(): Promise<void> {
    return this.server.kill();
  }

  /** Starts a new process, with new addresses and times, on the same data. */
  async restart(): Promise<void> {
    this.server = await start(this.settings, this.directory, this.users);
  }

  /** Stops it and removes its data. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#companion?.[Symbol.dispose]();
    await this.server[Symbol.asyncDispose]();
    this.directory?.[Symbol.dispose]();
    this.users?.[Symbol.dispose]();
  }
}
