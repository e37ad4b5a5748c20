/**
 * The switch between plain connections and TLS: a suite that holds of both runs over each of `WIRES`.
 *
 * ```ts
 * describe.each(WIRES)("over $name", ({ broker, connect }) => {
 *   const { tcp } = await testBroker(broker);
 *   const socket = await connect(tcp);
 * ```
 */
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ConnectOptions } from "../src/client/arguments/options.js";
import type { BrokerOptions } from "../src/main/options.js";
import { Authority, writeCertificate } from "./certificates.js";
import { makeDirectory, removeDirectory } from "./directories.js";

export interface Wire {
  readonly name: "plain" | "TLS";
  /** What a broker needs for it. */
  readonly broker: Partial<Pick<BrokerOptions, "tcpTls" | "httpTls">>;
  /** A socket to a port of this machine, ready to be written to. */
  connect(port: number): Promise<Socket>;
  /** As `request` of node:http. */
  readonly request: typeof httpRequest;
  /** The schemes of URLs, and what `connect` of the client needs. */
  readonly tcp: "tcp" | "tls";
  readonly ws: "ws" | "wss";
  readonly client: ConnectOptions;
}

export const PLAIN: Wire = {
  name: "plain",
  broker: {},
  connect: async (port) => {
    const socket = connectPlain(port, "127.0.0.1");
    await once(socket, "connect");
    return socket;
  },
  request: httpRequest,
  tcp: "tcp",
  ws: "ws",
  client: {},
};

const overTls = async (): Promise<Wire> => {
  const authority = await Authority.create();
  const directory = makeDirectory();
  process.once("exit", () => removeDirectory(directory));
  const files = writeCertificate(directory, await authority.issue());
  const ca = authority.cert;
  const request = (options: object, ...rest: unknown[]) =>
    Reflect.apply(httpsRequest, undefined, [{ ...options, ca }, ...rest]);
  return {
    name: "TLS",
    broker: { tcpTls: files, httpTls: files },
    connect: async (port) => {
      const socket = connectTls({ host: "127.0.0.1", port, ca });
      await once(socket, "secureConnect");
      return socket;
    },
    request: request as typeof httpRequest,
    tcp: "tls",
    ws: "wss",
    client: { tls: { ca } },
  };
};

export const WIRES: readonly Wire[] = [PLAIN, await overTls()];
