/**
 * One message in flight at a time: publish, deliver, ack. Publisher and consumer are two connections of one process, so
 * that all times are of one clock and no third process has to wake up.
 */
import { Op, RENEW } from "#protocol/op.js";
import { Histogram, type Percentiles } from "../measure/histogram.js";
import { AckWriter } from "../wire/ack-writer.js";
import type { Address } from "../wire/address.js";
import { AnswerScanner } from "../wire/answer-scanner.js";
import { encodeFrame, entries, FIRST_REQUEST, sendHello } from "../wire/frames.js";
import { openWire } from "../wire/open-wire.js";
import { receipts } from "../wire/receipts.js";
import { type Role, timed, type Work } from "./role.js";
import { RoundTrips } from "./round-trips.js";

export interface RoundTrip {
  readonly address: Address;
  readonly topic: string;
  readonly bodyBytes: number;
  readonly messages: number;
  /** Messages sent first that are not measured. */
  readonly warmUp: number;
  readonly seconds: number;
  /** Without a consumer, only the round trip from publish to confirm is measured. */
  readonly consume: boolean;
  /** The least Durability (src/protocol/op.ts) of each publish's confirm. */
  readonly durability: number;
}

/** All times begin when the publish is written. */
export interface RoundTripOutcome extends Work {
  readonly confirm: Percentiles;
  /** Until the message was read; empty without a consumer. */
  readonly deliver: Percentiles;
  /** Until the ack was confirmed; empty without a consumer. */
  readonly ack: Percentiles;
}

export const rawRoundTrip: Role<RoundTrip, RoundTripOutcome> = async (params) => {
  const times = { confirm: new Histogram(), deliver: new Histogram(), ack: new Histogram() };
  let start = 0;
  let warming = params.warmUp;
  let waitingFor = 0;
  let onAnswered = (): void => {};

  const took = (histogram: Histogram): void => {
    if (warming === 0) histogram.record((performance.now() - start) * 1000);
  };
  const step = (): void => {
    waitingFor--;
    if (waitingFor === 0) onAnswered();
  };

  const confirms = new AnswerScanner(
    receipts(() => {
      took(times.confirm);
      step();
    }, params.durability),
  );
  const publisher = await openWire(params.address, (bytes, view, from, to) => confirms.push(bytes, view, from, to));
  sendHello(publisher);
  const publish = encodeFrame(publisher, Op.PUBLISH, 0, 0, [params.topic], entries(1, params.bodyBytes));
  const request = new DataView(publish.bytes.buffer);

  const deliveries = new AnswerScanner(
    receipts((number) => {
      if (number !== FIRST_REQUEST) took(times.ack);
      step();
    }),
    (_request, view, at) => {
      took(times.deliver);
      acks.select(view, at);
    },
  );
  const consumer = await openWire(params.address, (bytes, view, from, to) => {
    deliveries.push(bytes, view, from, to);
    acks.flush();
  });
  const acks = new AckWriter(consumer, params.topic, FIRST_REQUEST + 1);
  sendHello(consumer);
  if (params.consume) {
    await new Promise<void>((resolve) => {
      waitingFor = 1;
      onAnswered = resolve;
      consumer.send(encodeFrame(consumer, Op.CONSUME, RENEW, FIRST_REQUEST, [params.topic, "", 16]).bytes);
    });
  }

  let requests = FIRST_REQUEST;
  const trips = new RoundTrips(() => {
    // The confirm of the publish and, with a consumer, that of the ack.
    waitingFor = params.consume ? 2 : 1;
    request.setUint32(publish.requestAt, requests++);
    start = performance.now();
    publisher.send(publish.bytes);
  });
  onAnswered = () => trips.next();
  await trips.run(params.warmUp, params.seconds);
  warming = 0;

  return {
    run: async () => {
      const work = await timed(() => trips.run(params.messages, params.seconds));
      publisher.end();
      consumer.end();
      return {
        ...work,
        confirm: times.confirm.percentiles(),
        deliver: times.deliver.percentiles(),
        ack: times.ack.percentiles(),
      };
    },
  };
};
