/**
 * A broker of its own process, on ports that the system chooses.
 */
import type { Address } from "../load/role.js";
import { projectFile } from "./command.js";
import { ServerProcess } from "./server-process.js";

export interface BrokerAddresses {
  readonly tcp: Address;
  readonly ws: Address;
  /** `http://host:port`. */
  readonly http: string;
}

export type Broker = ServerProcess<BrokerAddresses>;

export interface BrokerSettings {
  /** CPUs to run on. */
  readonly cpus?: string;
  readonly shards?: number;
}

const parse = (output: string): BrokerAddresses | undefined => {
  const tcp = /(?:tcp:\/\/|tcp\s+)([\d.]+):(\d+)/i.exec(output);
  const http = /http:\/\/([\d.]+):(\d+)/i.exec(output);
  if (tcp?.[1] === undefined || http?.[1] === undefined) return undefined;
  return {
    tcp: { transport: "tcp", host: tcp[1], port: Number(tcp[2]) },
    ws: { transport: "ws", host: http[1], port: Number(http[2]) },
    http: http[0],
  };
};

export const startBroker = (settings: BrokerSettings = {}): Promise<Broker> => {
  const args = ["serve", "--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0"];
  if (settings.shards !== undefined) args.push("--shards", String(settings.shards));
  return ServerProcess.start(projectFile("dist/cli/ringmq.js"), args, settings.cpus, parse);
};
