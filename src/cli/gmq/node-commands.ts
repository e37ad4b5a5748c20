/** The commands of `gclient` to one node. They print what gmq's own program prints. */
import type { GmqConnection } from "../../gmq-client/connection.js";
import * as requests from "../../gmq-client/requests.js";
import { type Response, ResponseType } from "../../gmq-client/response-reader.js";
import type { CommandName, GclientSettings } from "./gclient-settings.js";
import { sendAhead } from "./sent-ahead.js";

/** Prints a line. What it answers is to be waited for, so that lines do not pile up before a slow reader. */
export type Line = (text: string) => Promise<unknown> | undefined;

/** Where a command says what it does. */
export interface Printer {
  readonly line: Line;
  /** Told how many of how many messages are done, instead of a line for each; undefined: lines are wanted. */
  readonly progress: ((done: number, total: number) => void) | undefined;
}

/** Whether all went well. */
export type NodeCommand = (node: GmqConnection, settings: GclientSettings, print: Printer) => Promise<boolean>;

export const isError = ({ type }: Response): boolean => type === ResponseType.error;

/** `name`: what the data is called, `result` or `msg.id`. */
export const responseLine = ({ type, data }: Response, name = "result"): string => `rtype:${type}, ${name}:${data}`;

/** What a node says that has nothing and waits. */
export const PING_LINE = `rtype:${ResponseType.ping}, result:ping`;

/** A queue has nothing; no failure. */
export const isNothing = (response: Response): boolean =>
  isError(response) && /\bno message\b/.test(response.data.toString());

export const bodyOf = ({ message }: GclientSettings, index: number): string => message ?? `golang_${index}`;

const push: NodeCommand = async (node, settings, { line, progress }) => {
  const { topic, routeKey, pushCount } = settings;
  const send = (i: number): Promise<Response> =>
    node.send(requests.pub(topic, routeKey, 0, Buffer.from(bodyOf(settings, i))));
  let failed = 0;
  await sendAhead(pushCount, send, async (response, i) => {
    if (isError(response)) failed++;
    if (progress === undefined || isError(response)) await line(responseLine(response, "msg.id"));
    progress?.(i + 1, pushCount);
    return true;
  });
  return failed === 0;
};

/** Each may be megabytes. */
const BATCHES_AHEAD = 4;

const mpush: NodeCommand = async (node, settings, { line, progress }) => {
  const { topic, routeKey, pushCount } = settings;
  const batches = Math.ceil(pushCount / requests.MAX_MPUB);
  const send = (batch: number): Promise<Response> => {
    const first = batch * requests.MAX_MPUB;
    const count = Math.min(requests.MAX_MPUB, pushCount - first);
    const bodies = Array.from({ length: count }, (_, i) => bodyOf(settings, first + i));
    return node.send(requests.mpub(topic, routeKey, bodies));
  };
  let failed = 0;
  await sendAhead(
    batches,
    send,
    async (response, batch) => {
      if (isError(response)) failed++;
      if (progress === undefined || isError(response)) await line(responseLine(response));
      progress?.(Math.min(pushCount, (batch + 1) * requests.MAX_MPUB), pushCount);
      return true;
    },
    BATCHES_AHEAD,
  );
  return failed === 0;
};

/** One at a time, so that nothing is popped that is not printed, until there is nothing. */
const pop: NodeCommand = async (node, { topic, bindKey, popCount }, { line }) => {
  for (let i = 0; i < popCount; i++) {
    const response = await popOne(node, topic, bindKey);
    if (response === undefined || isNothing(response)) {
      if (i === 0) await line(response === undefined ? PING_LINE : responseLine(response));
      return true;
    }
    await line(responseLine(response));
    if (isError(response)) return false;
  }
  return true;
};

/** Without a bind key a node answers with a list, with one it has to be asked for each. */
const dead: NodeCommand = async (node, { topic, bindKey, popCount }, { line }) => {
  const count = bindKey === "" ? 1 : popCount;
  for (let i = 0; i < count; i++) {
    const response = await node.send(requests.dead(topic, bindKey, popCount));
    if (i === 0 || !isError(response)) await line(responseLine(response));
    if (isError(response)) return i > 0 || isNothing(response);
  }
  return true;
};

/** Undefined: the connection was closed because there is nothing. */
export const popOne = async (node: GmqConnection, topic: string, bindKey: string): Promise<Response | undefined> => {
  let isEmpty = false;
  node.onPing = () => {
    isEmpty = true;
    node.close();
  };
  try {
    return await node.send(requests.pop(topic, bindKey));
  } catch (error) {
    if (isEmpty) return undefined;
    throw error;
  }
};

const ask =
  (request: (settings: GclientSettings) => Buffer): NodeCommand =>
  async (node, settings, { line }) => {
    const response = await node.send(request(settings));
    await line(responseLine(response));
    return !isError(response);
  };

const subscribe: NodeCommand = async (node, { channel }, { line }) => {
  node.onChannelMessage = (data) => {
    const drained = line(responseLine({ type: ResponseType.channel, data }));
    if (drained === undefined) return;
    // What comes meanwhile waits at the node, which has its own bound.
    node.pause();
    void drained.then(() => node.resume());
  };
  await line(node.localAddress);
  const response = await node.send(requests.subscribe(channel));
  await line(responseLine(response));
  if (isError(response)) return false;
  throw await node.closed;
};

export const NODE_COMMANDS: Partial<Record<CommandName, NodeCommand>> = {
  push,
  mpush,
  pop,
  ack: ask(({ id, topic, bindKey }) => requests.ack(id, topic, bindKey)),
  dead,
  declare: ask(({ topic, bindKey }) => requests.queue(topic, bindKey)),
  publish: ask(({ channel, message = "golang" }) => requests.publish(channel, Buffer.from(message))),
  subscribe,
};
