/**
 * One message in flight at a time, through the client library.
 */

import { connect } from "ringmq/client";
import { Histogram } from "../measure/histogram.js";
import { url } from "../wire/address.js";
import { body } from "../wire/frames.js";
import { checkDurability } from "./durability-check.js";
import type { RoundTrip, RoundTripOutcome } from "./raw-round-trip.js";
import { type Role, timed } from "./role.js";

export const clientRoundTrip: Role<RoundTrip, RoundTripOutcome> = async (params) => {
  const publisher = await connect(url(params.address), { name: "bench" });
  const subscriber = await connect(url(params.address), { name: "bench" });
  const message = body(params.bodyBytes);
  const times = { confirm: new Histogram(), deliver: new Histogram(), ack: new Histogram() };
  const consumer = await subscriber.consume(params.topic, { prefetch: 16 });
  const deliveries = consumer[Symbol.asyncIterator]();
  let measuring = false;

  const trip = async (): Promise<void> => {
    const start = performance.now();
    const took = (histogram: Histogram): void => {
      if (measuring) histogram.record((performance.now() - start) * 1000);
    };
    const confirmed = publisher.publish(params.topic, message).then((receipt) => {
      took(times.confirm);
      checkDurability(receipt, params.durability);
    });
    const delivered = await deliveries.next();
    if (delivered.done === true) throw new Error("the consumer ended");
    took(times.deliver);
    await delivered.value.ack();
    took(times.ack);
    await confirmed;
  };
  for (let i = 0; i < params.warmUp; i++) await trip();
  measuring = true;

  return {
    run: async () => {
      const work = await timed(async () => {
        const deadline = performance.now() + params.seconds * 1000;
        let made = 0;
        for (; made < params.messages && performance.now() < deadline; made++) await trip();
        return made;
      });
      await publisher.close();
      await subscriber.close();
      return {
        ...work,
        confirm: times.confirm.percentiles(),
        deliver: times.deliver.percentiles(),
        ack: times.ack.percentiles(),
      };
    },
  };
};
