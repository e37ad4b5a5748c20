/**
 * Pops and acks over HTTP with autocannon: each connection pops a message and acks it, in turn.
 */
import type { Request } from "autocannon";
import { type HttpOutcome, runAutocannon } from "./autocannon-run.js";
import type { Role } from "./role.js";

export interface HttpConsume {
  /** `http://host:port`. */
  readonly url: string;
  readonly topic: string;
  /** Rounded up to as many for each connection. There must be as many, or a pop finds nothing. */
  readonly messages: number;
  readonly connections: number;
  readonly seconds: number;
}

/** An exchange is a pop or an ack. */
const EXCHANGES = 2;
const POPPED = /^\{"code":0,"data":\{"id":"(\d+)"/;
const ACKED = '{"code":0,';

export const httpConsumer: Role<HttpConsume, HttpOutcome> = (params) => {
  const popped = new Set<string>();
  let acked = 0;
  let wrong: string | undefined;
  /** The message that a connection has to ack. autocannon gives the two requests of a pair the same context. */
  const held = new WeakMap<object, string>();
  const ackPath = (context: object): string => `/ack?msgId=${held.get(context) ?? ""}&topic=${params.topic}`;

  const onPopped = (_status: number, body: string, context: object): void => {
    const id = POPPED.exec(body)?.[1];
    if (id === undefined || popped.has(id)) wrong ??= `a pop was answered ${body}`;
    else held.set(context, id);
    if (id !== undefined) popped.add(id);
  };
  const onAcked = (_status: number, body: string): void => {
    if (body.startsWith(ACKED)) acked++;
    else wrong ??= `an ack was answered ${body}`;
  };
  const perConnection = Math.ceil(params.messages / params.connections);
  const options = {
    url: params.url,
    connections: params.connections,
    amount: perConnection * params.connections * EXCHANGES,
    requests: [
      { path: `/pop?topic=${params.topic}`, onResponse: onPopped },
      {
        setupRequest: (request: Request, context: object): Request => ({ ...request, path: ackPath(context) }),
        onResponse: onAcked,
      },
    ],
  };
  return Promise.resolve({
    run: async () => {
      const work = await runAutocannon(options, params.seconds);
      if (wrong !== undefined) throw new Error(wrong);
      return { ...work, messages: acked };
    },
  });
};
