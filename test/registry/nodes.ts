/** Nodes for the tests of registries: real ports that answer as a node's do, and can be told not to. */
import { once } from "node:events";
import http, { type RequestListener } from "node:http";
import https from "node:https";
import { type AddressInfo, createServer, type Server } from "node:net";
import { onTestFinished } from "vitest";
import { type Announcement, type AnnouncementOptions, announce } from "../../src/registry/announcement/index.js";
import { type Registry, type RegistryOptions, startRegistry } from "../../src/registry/server/index.js";

/** Times that make a test quick. */
export const QUICK = { pingInterval: 10, pingTimeout: 1000, maxMissedPings: 2 } as const;
export const QUICK_ANNOUNCEMENT = { checkInterval: 20, retryInterval: 5, refusalInterval: 10 } as const;

export const listen = async (server: Server | http.Server, port = 0): Promise<number> => {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
};

/** A server of HTTP that does what a test says, closed when the test ends. Returns `127.0.0.1:port`. */
export const serveHttp = async (listener: RequestListener): Promise<string> => {
  const server = http.createServer(listener);
  const port = await listen(server);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${port}`;
};

export interface TestNode {
  readonly id: number;
  readonly weight: number;
  readonly tcpAddress: string;
  readonly httpAddress: string;
  /** What its HTTP port was asked, such as `GET /ping`. */
  readonly requests: readonly string[];
  /** Whether it answers pings with 200; it does at first. */
  answers: boolean;
}

export interface NodeOptions {
  readonly weight?: number;
  readonly tls?: https.ServerOptions;
  /** Called when the port speaks TLS and somebody does not. */
  readonly onPlainText?: () => void;
}

/** Opens the ports of a node. */
export const openNode = async (id: number, { weight = 1, tls, onPlainText }: NodeOptions = {}): Promise<TestNode> => {
  const requests: string[] = [];
  const listener: RequestListener = (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    response.writeHead(node.answers ? 200 : 503).end("OK");
  };
  const web = tls === undefined ? http.createServer(listener) : https.createServer(tls, listener);
  web.on("tlsClientError", () => onPlainText?.());
  const tcp = createServer((socket) => socket.on("error", () => {}).resume());
  onTestFinished(() => {
    web.close();
    web.closeAllConnections();
    tcp.close();
  });
  const node: TestNode = {
    id,
    weight,
    tcpAddress: `127.0.0.1:${await listen(tcp)}`,
    httpAddress: `127.0.0.1:${await listen(web)}`,
    requests,
    answers: true,
  };
  return node;
};

/** A registry, closed when the test ends. */
export const testRegistry = async (options: Partial<RegistryOptions> = {}): Promise<Registry> => {
  const registry = await startRegistry({ http: { host: "127.0.0.1", port: 0 }, ...QUICK, ...options });
  onTestFinished(() => registry.close());
  return registry;
};

/** Announces a node until the test ends. */
export const testAnnouncement = (node: TestNode, options: Partial<AnnouncementOptions>): Announcement => {
  const { id, weight, tcpAddress, httpAddress } = node;
  const announcement = announce(
    { id, weight, tcpAddress, httpAddress },
    { registries: [], etcd: [], ...QUICK_ANNOUNCEMENT, ...options },
  );
  onTestFinished(() => announcement.close());
  return announcement;
};

export const urlOf = ({ address }: Registry): string => `http://127.0.0.1:${address.port}`;

/** The query of a node's registration. */
export const registration = ({ id, weight, tcpAddress, httpAddress }: Omit<TestNode, "requests" | "answers">): string =>
  `/register?tcp_addr=${tcpAddress}&http_addr=${httpAddress}&weight=${weight}&node_id=${id}`;

/** The body of the answer to a GET. */
export const ask = async (registry: Registry, path: string): Promise<string> =>
  (await fetch(urlOf(registry) + path)).text();

export const SUCCESS = '{"code":0,"data":null,"msg":"success"}';

export const refused = (text: string): string => `{"code":1,"data":null,"msg":"${text}"}`;

/** The ids that a registry lists. */
export const idsOf = async (registry: Registry): Promise<number[]> => {
  const answer = JSON.parse(await ask(registry, "/getNodes")) as { data: { nodes: { id: number }[] } };
  return answer.data.nodes.map(({ id }) => id);
};
