/** Several brokers as processes, and clients of the built package that use all of them. */
import { onTestFinished } from "vitest";
import type { NodesClient } from "../../src/client/nodes/nodes-client.js";
import type { ConnectNodesOptions, NodeState, NodesSource } from "../../src/client/nodes/options.js";
import { testDirectory } from "./brokers.js";
import { started } from "./program.js";

const { connectNodes } = (await import("../../dist/client/index.js" as string)) as {
  connectNodes: (source: NodesSource, options?: ConnectNodesOptions) => Promise<NodesClient>;
};

export interface NodeProcess {
  readonly url: string;
  readonly tcp: number;
  readonly http: number;
  /** Ends it as a crash does, or asks it to stop. Resolves when it has ended. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
  /** Starts it again, on the same ports and data. */
  restart(): Promise<void>;
}

export const startNode = async (id = 1, args: readonly string[] = []): Promise<NodeProcess> => {
  const env = { RINGMQ_DATA: testDirectory() };
  const start = (tcp: number, http: number) =>
    started(
      ["--tcp", `127.0.0.1:${tcp}`, "--http", `127.0.0.1:${http}`, "--shards", "1", "--node", `${id}`, ...args],
      env,
    );
  let process = await start(0, 0);
  const { tcp, http } = process;
  return {
    url: `tcp://127.0.0.1:${tcp}`,
    tcp,
    http,
    end: async (signal) => {
      process.child.kill(signal);
      await process.exit;
    },
    restart: async () => {
      process = await start(tcp, http);
    },
  };
};

export const nodesClientOf = async (source: NodesSource, options?: ConnectNodesOptions): Promise<NodesClient> => {
  const client = await connectNodes(source, options);
  onTestFinished(() => client.close());
  return client;
};

/** Resolves when what the client says of its nodes is as wanted. */
export const nodesBecome = async (
  client: NodesClient,
  isWanted: (nodes: readonly NodeState[]) => boolean,
): Promise<void> => {
  const events = client.status();
  if (!isWanted(client.nodes)) for await (const _ of events) if (isWanted(client.nodes)) break;
  await events.return?.();
};

export const allConnected =
  (count: number) =>
  (nodes: readonly NodeState[]): boolean =>
    nodes.filter(({ state }) => state === "connected").length === count;

/** How many messages each node has taken for a topic, in the order of `nodes`. */
export const sharesOf = async (client: NodesClient, topic: string): Promise<number[]> => {
  const stats = await client.onEachNode(async (each, { url }) => {
    for await (const { name, published } of each.topics()) if (name === topic) return { url, published };
    return { url, published: 0 };
  });
  return client.nodes.map(({ url }) => stats.find((each) => each.url === url)?.published ?? 0);
};
