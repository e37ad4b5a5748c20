/** Clients of nodes that a test controls. */
import { onTestFinished } from "vitest";
import { connectNodes } from "../../../src/client/nodes/connect-nodes.js";
import type { NodesClient } from "../../../src/client/nodes/nodes-client.js";
import type { ConnectNodesOptions, NodeConnectionState } from "../../../src/client/nodes/options.js";
import { Op } from "../../../src/protocol/op.js";
import { bodiesOf, confirming, error, hello, ScriptedBroker } from "../scripted-broker.js";

/** Resolves when the nodes are in these states, in the order in which they were named. */
export const statesBecome = async (client: NodesClient, ...wanted: readonly NodeConnectionState[]): Promise<void> => {
  const isWanted = (): boolean => wanted.every((state, i) => client.nodes[i]?.state === state);
  const events = client.status();
  while (!isWanted()) await events.next();
  await events.return?.();
};

export interface ScriptedNodes {
  readonly client: NodesClient;
  readonly first: ScriptedBroker;
  readonly second: ScriptedBroker;
}

/** A client of two nodes, the first of which gets everything as long as it is there: the second has no weight. */
export const twoNodes = async (options: ConnectNodesOptions = {}): Promise<ScriptedNodes> => {
  const [first, second] = await Promise.all([ScriptedBroker.start(hello()), ScriptedBroker.start(hello())]);
  const nodes = [
    { url: first.url, weight: 1 },
    { url: second.url, weight: 0 },
  ];
  const client = await connectNodes({ nodes }, options);
  onTestFinished(() => client.close());
  await statesBecome(client, "connected", "connected");
  confirming(first);
  confirming(second);
  return { client, first, second };
};

/** Refuses every PUBLISH, until it is told otherwise. */
export const refusing = (broker: ScriptedBroker, code: number, isRetryable: boolean): void => {
  broker.answer = ({ op, request }) => {
    if (op === Op.PUBLISH) broker.send(error(request, code, "refused", isRetryable, false));
  };
};

/** The bodies that a node was sent, in order. */
export const publishedTo = (broker: ScriptedBroker): string[] =>
  broker.frames.filter(({ op }) => op === Op.PUBLISH).flatMap(bodiesOf);
