/**
 * Publishes over a protocol of gmq as fast as the window allows. Answers come in the order of the requests.
 */
import type { Address } from "../wire/address.js";
import { FIRST_REQUEST } from "../wire/frames.js";
import { AscendingIds } from "../wire/gmq/ascending-ids.js";
import { dataText } from "../wire/gmq/protocol.js";
import { type GmqProtocolName, gmqProtocols } from "../wire/gmq/protocols.js";
import { ResponseScanner } from "../wire/gmq/response-scanner.js";
import { openWire } from "../wire/open-wire.js";
import { PublishPump } from "./publish-pump.js";
import { type Role, timed, type Work } from "./role.js";

export interface GmqPublish {
  readonly address: Address;
  readonly protocol: GmqProtocolName;
  readonly topic: string;
  readonly bodyBytes: number;
  readonly messages: number;
  /** Requests that may be unanswered. */
  readonly window: number;
  readonly seconds: number;
}

export const gmqPublisher: Role<GmqPublish, Work> = async (params) => {
  const protocol = gmqProtocols[params.protocol];
  const ids = new AscendingIds();
  let pump: PublishPump | undefined;
  let told = 0;
  let published = 0;
  const scanner = new ResponseScanner(protocol.lengthBytes, (type, bytes, start, end) => {
    if (type !== protocol.result) throw new Error(`a publish was answered ${type} ${dataText(bytes, start, end)}`);
    ids.add(bytes, start, end);
    published++;
  });
  const wire = await openWire(params.address, (bytes, view, start, end) => {
    scanner.push(bytes, view, start, end);
    pump?.answer(FIRST_REQUEST + told, published - told);
    told = published;
    pump?.proceed();
  });
  const request = protocol.publish(params.topic, params.bodyBytes);
  const ready = new PublishPump({
    wire,
    frame: request,
    frames: params.messages,
    window: params.window,
    seconds: params.seconds,
    ...(request.stamp === undefined ? {} : { stamp: request.stamp }),
  });
  return {
    run: async () => {
      const work = await timed(() => {
        pump = ready;
        return ready.run();
      });
      wire.end();
      return work;
    },
  };
};
