/** Subscribers of a channel that speak memmq: WebSockets of `/sub`, or its answers without an end. They count bytes. */
import { get, type IncomingMessage } from "node:http";
import type { Address } from "../wire/address.js";
import { openWebSocket } from "../wire/open-wire.js";
import { Completion } from "./completion.js";
import { type Role, timed, type Work } from "./role.js";

export interface ForeignSubscribe {
  readonly address: Address;
  readonly topic: string;
  readonly subscribers: number;
  readonly bodyBytes: number;
  /** Messages published. None may be lost. */
  readonly messages: number;
  readonly seconds: number;
}

/** Opens a subscriber, which calls back with bytes of messages that have come. Answers what ends it. */
type Open = (params: ForeignSubscribe, onBytes: (bytes: number) => void) => Promise<() => void>;

const openSocket: Open = async ({ address, topic }, onBytes) => {
  const { end } = await openWebSocket(address, `/sub?topic=${topic}`, (_bytes, _view, start, stop) => {
    onBytes(stop - start);
  });
  return end;
};

const openStream: Open = ({ address: { host, port }, topic }, onBytes) =>
  new Promise((resolve, reject) => {
    const request = get({ host, port, path: `/sub?topic=${topic}`, agent: false }, (response: IncomingMessage) => {
      response.on("data", (part: Buffer) => onBytes(part.length));
      response.on("error", () => {});
      resolve(() => void request.destroy());
    });
    request.once("error", reject);
  });

const subscribers =
  (open: Open): Role<ForeignSubscribe, Work> =>
  async (params) => {
    const { bodyBytes, seconds } = params;
    const expected = params.messages * params.subscribers * bodyBytes;
    let got = 0;
    const completion = new Completion();
    const onBytes = (bytes: number): void => {
      got += bytes;
      if (got >= expected) completion.done();
    };
    const ends: (() => void)[] = [];
    for (let i = 0; i < params.subscribers; i++) ends.push(await open(params, onBytes));
    return {
      run: async () => {
        const work = await timed(async () => {
          await completion.wait(seconds, () => {
            if (got >= expected) completion.done();
          });
          return got / bodyBytes;
        });
        for (const end of ends) end();
        return work;
      },
    };
  };

export const webSocketSubscribers = subscribers(openSocket);
export const streamSubscribers = subscribers(openStream);
