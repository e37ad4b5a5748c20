/**
 * Publishes numbered messages through one WebSocket of `/pub` and reads them from others of `/sub`. Every message must
 * come to each of them, in order. A channel would drop what a subscriber is too slow for, so the messages on their way are limited.
 */
import type { Address } from "../wire/address.js";
import { FIRST_REQUEST } from "../wire/frames.js";
import { openWebSocket } from "../wire/open-wire.js";
import { frameMessages, prefixBytes } from "../wire/websocket-framing.js";
import type { Wire } from "../wire/wire.js";
import { NUMBER_BYTES, NumberedMessages } from "./numbered-messages.js";
import { PublishPump } from "./publish-pump.js";
import { type Role, timed, type Work } from "./role.js";

export interface WebSocketRelay {
  readonly address: Address;
  readonly topic: string;
  /** WebSockets of `/sub`. Default: 1. */
  readonly subscribers?: number;
  readonly bodyBytes: number;
  readonly messages: number;
  /** Messages that may be on their way to all of them. */
  readonly window: number;
  readonly seconds: number;
}

const FILL = 0x61;

/** Subscribers that are opened at the same time. */
const OPENING = 50;

export const webSocketRelay: Role<WebSocketRelay, Work> = async (params) => {
  const { address, topic, messages, window, seconds, subscribers = 1 } = params;
  const bodyBytes = Math.max(NUMBER_BYTES, params.bodyBytes);
  let pump: PublishPump | undefined;
  let received = 0;
  let answered = 0;
  const subscribe = () => {
    const numbered = new NumberedMessages(bodyBytes);
    return openWebSocket(address, `/sub?topic=${topic}`, (_bytes, view, start, end) => {
      received -= numbered.count;
      numbered.push(view, start, end);
      received += numbered.count;
      // When as many have come as that many to each, the last of them has come to each.
      const heard = Math.floor(received / subscribers);
      if (heard === answered) return;
      pump?.answer(FIRST_REQUEST + answered, heard - answered);
      answered = heard;
      pump?.proceed();
    });
  };
  const opened: Pick<Wire, "end">[] = [];
  while (opened.length < subscribers) {
    const count = Math.min(OPENING, subscribers - opened.length);
    opened.push(...(await Promise.all(Array.from({ length: count }, subscribe))));
  }
  const publisher = await openWebSocket(address, `/pub?topic=${topic}`, () => {});
  const bytes = frameMessages(new Uint8Array(bodyBytes).fill(FILL));
  const numberAt = prefixBytes(bodyBytes);
  const ready = new PublishPump({
    wire: { prefixBytes, framed: frameMessages, ...publisher },
    frame: { bytes },
    frames: messages,
    window,
    seconds,
    stamp: (view, at, index) => view.setUint32(at + numberAt, index),
  });
  return {
    run: async () => {
      const work = await timed(() => {
        pump = ready;
        return ready.run();
      });
      publisher.end();
      for (const subscriber of opened) subscriber.end();
      return work;
    },
  };
};
