/**
 * Pops and acks over a protocol of gmq, pipelined.
 */
import type { Address } from "../wire/address.js";
import { type GmqProtocolName, gmqProtocols } from "../wire/gmq/protocols.js";
import { ResponseScanner } from "../wire/gmq/response-scanner.js";
import { openWire } from "../wire/open-wire.js";
import { PopAckPump } from "./pop-ack-pump.js";
import { type Role, timed, type Work } from "./role.js";

export interface GmqConsume {
  readonly address: Address;
  readonly protocol: GmqProtocolName;
  readonly topic: string;
  readonly messages: number;
  readonly batch: number;
  readonly batches: number;
  readonly seconds: number;
}

export const gmqConsumer: Role<GmqConsume, Work> = async (params) => {
  const protocol = gmqProtocols[params.protocol];
  const scanner = new ResponseScanner(protocol.lengthBytes, (type, bytes, start, end) => {
    pump.answer(type, bytes, start, end);
  });
  const wire = await openWire(params.address, (bytes, view, start, end) => scanner.push(bytes, view, start, end));
  const { topic, messages, batch, batches, seconds } = params;
  const pump = new PopAckPump({ wire, protocol, topic, messages, batch, batches, seconds });
  return {
    run: async () => {
      const work = await timed(() => pump.run());
      wire.end();
      return work;
    },
  };
};
