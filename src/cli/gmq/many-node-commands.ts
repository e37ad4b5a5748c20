/** The commands of `gclient` over all nodes that are listed. */
import { setTimeout as delay } from "node:timers/promises";
import type { PickBy } from "../../client/nodes/picker.js";
import * as requests from "../../gmq-client/requests.js";
import type { Response } from "../../gmq-client/response-reader.js";
import { listAnnounced, listRegistered, type NodeInfo } from "../../registry/discovery/index.js";
import type { CommandName, GclientSettings } from "./gclient-settings.js";
import {
  bodyOf,
  isError,
  isNothing,
  type Line,
  PING_LINE,
  type Printer,
  popOne,
  responseLine,
} from "./node-commands.js";
import { NodePool } from "./node-pool.js";
import { sendAhead } from "./sent-ahead.js";

/** Milliseconds: after an empty answer, before nodes are listed once more, between lists of a registry. */
const EMPTY_PAUSE = 1_000;
const RETRY_PAUSE = 1_000;
const LIST_EVERY = 10_000;

/** Whether all went well. */
export type ManyNodeCommand = (settings: GclientSettings, print: Printer) => Promise<boolean>;

/** Throws when nobody lists the nodes, with what to do. */
const findNodes = async (settings: GclientSettings): Promise<NodeInfo[]> => {
  try {
    return await listNodes(settings);
  } catch (error) {
    const { message } = error as Error;
    throw new Error(
      `${message}\nIs a registry running there? Start one with gregister, or name it with -register_addr or -etcd_endpoints.`,
    );
  }
};

/** Registries are asked in turn until one answers. Throws what the last one failed with. */
const listNodes = async ({ etcd, registries, token }: GclientSettings): Promise<NodeInfo[]> => {
  if (etcd.length > 0) return listAnnounced(etcd);
  const [last, ...others] = [...registries].reverse();
  for (const registry of others.reverse()) {
    try {
      return await listRegistered(registry, { token });
    } catch {
      // The next one may be there.
    }
  }
  return listRegistered(last ?? "", { token });
};

const push =
  (pick: PickBy): ManyNodeCommand =>
  async (settings, { line, progress }) => {
    const { topic, routeKey, pushCount } = settings;
    const pool = new NodePool(await findNodes(settings), pick, settings.token);
    /** A node that fails is left out; what it has not confirmed goes to another. */
    const send = async (i: number): Promise<{ readonly address: string; readonly response: Response }> => {
      const request = requests.pub(topic, routeKey, 0, Buffer.from(bodyOf(settings, i)));
      for (;;) {
        const node = pool.next();
        try {
          return { address: node.address, response: await (await node.connection).send(request) };
        } catch (error) {
          pool.drop(node);
          await line(`${node.address}: ${(error as Error).message}; its messages go to other nodes`);
        }
      }
    };
    let failed = 0;
    await sendAhead(pushCount, send, async ({ address, response }, i) => {
      if (isError(response)) failed++;
      if (progress === undefined || isError(response)) {
        await line(`> select node(${address})`);
        await line(responseLine(response, "msg.id"));
      }
      progress?.(i + 1, pushCount);
      return true;
    });
    pool.close();
    return failed === 0;
  };

/** Until the process is stopped. A node that fails is left out until it is listed anew. */
const popByWeight: ManyNodeCommand = async (settings, { line }) => {
  const pool = new NodePool(await findNodes(settings), "weight", settings.token);
  let listed = performance.now();
  for (;;) {
    if (performance.now() - listed > LIST_EVERY) {
      listed = performance.now();
      // Pops go on meanwhile, and with the nodes that are known while nobody lists them.
      listNodes(settings).then(
        (nodes) => {
          pool.nodes = nodes;
        },
        () => {},
      );
    }
    await popFrom(pool, settings, line);
  }
};

const popFrom = async (pool: NodePool, { topic, bindKey }: GclientSettings, line: Line): Promise<void> => {
  let node: ReturnType<NodePool["next"]>;
  try {
    node = pool.next();
  } catch {
    await delay(RETRY_PAUSE);
    return;
  }
  try {
    const response = await popOne(await node.connection, topic, bindKey);
    await line(`> select node(${node.address})`);
    await line(response === undefined ? PING_LINE : responseLine(response));
    if (response === undefined) pool.forget(node);
    else if (isNothing(response)) await delay(EMPTY_PAUSE);
  } catch (error) {
    pool.drop(node);
    await line(`${node.address}: ${(error as Error).message}; other nodes go on`);
  }
};

export const MANY_NODE_COMMANDS: Partial<Record<CommandName, ManyNodeCommand>> = {
  push_by_weight: push("weight"),
  push_by_rand: push("random"),
  push_by_avg: push("turn"),
  pop_by_weight: popByWeight,
};
