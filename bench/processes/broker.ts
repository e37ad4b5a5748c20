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
  /** A directory for CPU profiles. */
  readonly profile?: string | undefined;
  /** CPUs to run on. */
  readonly cpus?: string | undefined;
  readonly shards?: number | undefined;
}

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

export const startBroker = ({ cpus, shards, profile }: BrokerSettings): Promise<Broker> => {
  const args = ["serve", "--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0"];
  if (shards !== undefined) args.push("--shards", String(shards));
  return ServerProcess.start({ script: projectFile("dist/cli/ringmq.js"), args, cpus, profile }, parse);
};
