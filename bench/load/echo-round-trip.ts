/**
 * Sends bytes to a server that echoes them, and waits for them, one at a time.
 */
import { Histogram, type Percentiles } from "../measure/histogram.js";
import type { Address } from "../wire/address.js";
import { body } from "../wire/frames.js";
import { openWire } from "../wire/open-wire.js";
import { type Role, timed, type Work } from "./role.js";
import { RoundTrips } from "./round-trips.js";

export interface EchoRoundTrip {
  readonly address: Address;
  readonly bytes: number;
  readonly messages: number;
  readonly warmUp: number;
  readonly seconds: number;
}

export interface EchoOutcome extends Work {
  readonly echo: Percentiles;
}

export const echoRoundTrip: Role<EchoRoundTrip, EchoOutcome> = async (params) => {
  const echo = new Histogram();
  const bytes = body(params.bytes);
  let measuring = false;
  let missing = 0;
  let start = 0;
  const wire = await openWire(params.address, (_bytes, _view, from, to) => {
    missing -= to - from;
    if (missing > 0) return;
    if (measuring) echo.record((performance.now() - start) * 1000);
    trips.next();
  });
  const trips = new RoundTrips(() => {
    missing = bytes.length;
    start = performance.now();
    wire.send(bytes);
  });
  await trips.run(params.warmUp, params.seconds);
  measuring = true;
  return {
    run: async () => {
      const work = await timed(() => trips.run(params.messages, params.seconds));
      wire.end();
      return { ...work, echo: echo.percentiles() };
    },
  };
};
