/**
 * One request in flight on one connection, over a protocol of gmq or through the client library: publishes, or pops and
 * their acks.
 */
import { connect } from "ringmq/client";
import { Histogram, type Percentiles } from "../measure/histogram.js";
import { type Address, url } from "../wire/address.js";
import { body } from "../wire/frames.js";
import { AscendingIds } from "../wire/gmq/ascending-ids.js";
import { dataText, idEnd } from "../wire/gmq/protocol.js";
import { type GmqProtocolName, gmqProtocols } from "../wire/gmq/protocols.js";
import { ResponseScanner } from "../wire/gmq/response-scanner.js";
import { openWire } from "../wire/open-wire.js";
import { checkDurability } from "./durability-check.js";
import { type Role, timed, type Work } from "./role.js";
import { RoundTrips } from "./round-trips.js";

export type Operation = "publish" | "pop-ack";

export interface OneInFlight {
  readonly address: Address;
  readonly topic: string;
  readonly operation: Operation;
  readonly bodyBytes: number;
  readonly messages: number;
  readonly seconds: number;
  /** The least Durability (src/protocol/op.ts) of each publish's confirm, as far as the protocol tells it. */
  readonly durability: number;
}

export interface OneInFlightOutcome extends Work {
  /** Of a message: its publish, or its pop and its ack. */
  readonly trip: Percentiles;
}

export const gmqOneInFlight: Role<OneInFlight & { readonly protocol: GmqProtocolName }, OneInFlightOutcome> = async (
  params,
) => {
  const protocol = gmqProtocols[params.protocol];
  const ids = new AscendingIds();
  const trip = new Histogram();
  const publish = protocol.publish(params.topic, params.bodyBytes);
  const publishView = new DataView(publish.bytes.buffer, publish.bytes.byteOffset, publish.bytes.length);
  const pop = protocol.pop(params.topic);
  const ack = protocol.ack(params.topic);
  const ackBytes = new Uint8Array(ack.maxBytes);
  const publishes = params.operation === "publish";
  let begun = 0;
  let start = 0;
  /** The type that the answer must have. */
  let expected = protocol.result;

  const trips = new RoundTrips(() => {
    expected = publishes ? protocol.result : protocol.message;
    publish.stamp?.(publishView, 0, begun);
    begun++;
    start = performance.now();
    wire.send(publishes ? publish.bytes : pop);
  });
  const scanner = new ResponseScanner(protocol.lengthBytes, (type, bytes, from, to) => {
    if (type !== expected) throw new Error(`${params.operation} was answered ${type} ${dataText(bytes, from, to)}`);
    if (type === protocol.message) {
      const id = protocol.idStart(bytes, from, to);
      const stop = idEnd(bytes, id, to);
      ids.add(bytes, id, stop);
      expected = protocol.result;
      wire.send(ackBytes.subarray(0, ack.write(ackBytes, 0, bytes, id, stop)));
      return;
    }
    if (publishes) ids.add(bytes, from, to);
    trip.record((performance.now() - start) * 1000);
    trips.next();
  });
  const wire = await openWire(params.address, (bytes, view, from, to) => scanner.push(bytes, view, from, to));
  return {
    run: async () => {
      const work = await timed(() => trips.run(params.messages, params.seconds));
      wire.end();
      return { ...work, trip: trip.percentiles() };
    },
  };
};

export const clientOneInFlight: Role<OneInFlight, OneInFlightOutcome> = async (params) => {
  const { topic, durability } = params;
  const client = await connect(url(params.address), { name: "bench" });
  const message = body(params.bodyBytes);
  const trip = new Histogram();
  const publish = async (): Promise<void> => checkDurability(await client.publish(topic, message), durability);
  const popAndAck = async (): Promise<void> => {
    const [popped] = await client.pop(topic);
    if (popped === undefined) throw new Error("there was no message to pop");
    await popped.ack();
  };
  const run = params.operation === "publish" ? publish : popAndAck;
  return {
    run: async () => {
      const work = await timed(async () => {
        const deadline = performance.now() + params.seconds * 1000;
        let made = 0;
        for (; made < params.messages && performance.now() < deadline; made++) {
          const start = performance.now();
          await run();
          trip.record((performance.now() - start) * 1000);
        }
        return made;
      });
      await client.close();
      return { ...work, trip: trip.percentiles() };
    },
  };
};
