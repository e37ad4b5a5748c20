/**
 * Publishes numbered messages through one WebSocket of `/pub` and reads them from another of `/sub`. Every message must
 * come, in order. A channel would drop what its subscriber is too slow for, so the messages on their way are limited.
 */
import type { Address } from "../wire/address.js";
import { FIRST_REQUEST } from "../wire/frames.js";
import { openWebSocket } from "../wire/open-wire.js";
import { frameMessages, prefixBytes } from "../wire/websocket-framing.js";
import { NUMBER_BYTES, NumberedMessages } from "./numbered-messages.js";
import { PublishPump } from "./publish-pump.js";
import { type Role, timed, type Work } from "./role.js";

export interface WebSocketRelay {
  readonly address: Address;
  readonly topic: string;
  readonly bodyBytes: number;
  readonly messages: number;
  /** Messages that may be on their way. */
  readonly window: number;
  readonly seconds: number;
}

const FILL = 0x61;

export const webSocketRelay: Role<WebSocketRelay, Work> = async (params) => {
  const { address, topic, messages, window, seconds } = params;
  const bodyBytes = Math.max(NUMBER_BYTES, params.bodyBytes);
  let pump: PublishPump | undefined;
  let answered = 0;
  const numbered = new NumberedMessages(bodyBytes);
  const subscriber = await openWebSocket(address, `/sub?topic=${topic}`, (_bytes, view, start, end) => {
    numbered.push(view, start, end);
    if (numbered.count === answered) return;
    pump?.answer(FIRST_REQUEST + answered, numbered.count - answered);
    answered = numbered.count;
    pump?.proceed();
  });
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
      subscriber.end();
      return work;
    },
  };
};
