/**
 * Sends bytes to a server that echoes them, and waits for them, one at a time.
 */
import { Histogram, type Percentiles } from "../measure/histogram.js";
import { body } from "./frames.js";
import { type Address, type Role, timed, type Work } from "./role.js";
import { openWire } from "./wire.js";

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
  let proceed = (): void => {};
  const wire = await openWire(params.address, (_bytes, _view, from, to) => {
    missing -= to - from;
    if (missing > 0) return;
    if (measuring) echo.record((performance.now() - start) * 1000);
    proceed();
  });
  const trips = (count: number): Promise<number> =>
    new Promise((resolve) => {
      const deadline = performance.now() + params.seconds * 1000;
      let made = 0;
      proceed = () => {
        if (made === count || performance.now() > deadline) return resolve(made);
        made++;
        missing = bytes.length;
        start = performance.now();
        wire.send(bytes);
      };
      proceed();
    });
  await trips(params.warmUp);
  measuring = true;
  return {
    run: async () => {
      const work = await timed(() => trips(params.messages));
      wire.end();
      return { ...work, echo: echo.percentiles() };
    },
  };
};
