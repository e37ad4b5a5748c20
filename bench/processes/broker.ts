/**
 * A broker in its own process, on ports chosen by the system, with its own data directory.
 */

import type { Address } from "../wire/address.js";
import { projectFile } from "./command.js";
import { DataDirectory } from "./data-directory.js";
import type { Level } from "./durability.js";
import { ServerProcess } from "./server-process.js";

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
  readonly durability: Level;
  /** The directory in which its data directory is made, and the bytes that must be free there. */
  readonly data: { readonly parent: string; readonly bytes: number };
}

/** A start that reads a journal may take long. */
const START_MS = 10 * 60_000;

/** Parses the output of `ringmq serve`. White space after an address shows that it is complete. */
const parse = (output: string): BrokerAddresses | undefined => {
  const tcp = /tcp:\/\/([\d.]+):(\d+)\s/.exec(output);
  const http = /(https?):\/\/([\d.]+):(\d+)\s/.exec(output);
  if (tcp?.[1] === undefined || http?.[2] === undefined) return undefined;
  return {
    tcp: { transport: "tcp", host: tcp[1], port: Number(tcp[2]) },
    ws: { transport: "ws", host: http[2], port: Number(http[3]) },
    http: `${http[1]}://${http[2]}:${http[3]}`,
    grpc: /gRPC +(\S+)/.exec(output)?.[1] ?? "",
  };
};

const start = (settings: BrokerSettings, directory: DataDirectory | undefined) => {
  const { cpus, shards, profile, grpc, httpTls, connections, memory, durability } = settings;
  const args = ["serve", "--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--durability", durability];
  if (grpc === true) args.push("--grpc", "127.0.0.1:0");
  if (directory !== undefined) args.push("--data", directory.path);
  if (shards !== undefined) args.push("--shards", String(shards));
  if (httpTls === true) args.push("--tls-self-signed", "--tls-ports", "http");
  if (connections !== undefined) {
    args.push("--max-connections", String(connections), "--max-connections-per-address", String(connections));
  }
  if (memory !== undefined) args.push("--memory", String(memory));
  return ServerProcess.start({ script: projectFile("dist/cli/ringmq.js"), args, cpus, profile }, parse, START_MS);
};

export class Broker implements AsyncDisposable {
  private constructor(
    private readonly settings: BrokerSettings,
    /** Undefined at the level memory. */
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

  /** From the start of the process until it printed its addresses. */
  get startSeconds(): number {
    return this.server.startSeconds;
  }

  /** The end of its log. */
  get log(): string {
    return this.server.log;
  }

  /** Kills it, as a crash would. `restart` starts it on the data that is left. */
  kill(): Promise<void> {
    return this.server.kill();
  }

  /** Starts a new process, with new addresses and times, on the same data. */
  async restart(): Promise<void> {
    this.server = await start(this.settings, this.directory);
  }

  /** Stops it and removes its data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    this.directory?.[Symbol.dispose]();
  }
}
