/**
 * Posts the same form again and again with autocannon.
 */
import autocannon from "autocannon";
import { Histogram, type Percentiles } from "../measure/histogram.js";
import { type Role, timed, type Work } from "./role.js";

export interface HttpLoad {
  readonly url: string;
  /** An urlencoded form. */
  readonly form: string;
  readonly requests: number;
  readonly connections: number;
  readonly seconds: number;
}

export interface HttpOutcome extends Work {
  readonly response: Percentiles;
}

export const httpLoad: Role<HttpLoad, HttpOutcome> = (params) => {
  const response = new Histogram();
  let last = 0;
  const fire = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => instance.stop(), params.seconds * 1000);
      const instance = autocannon(
        {
          url: params.url,
          method: "POST",
          headers: { "content-type": "application/x-www-form-urlencoded" },
          body: params.form,
          connections: params.connections,
          amount: params.requests,
        },
        (error: unknown, result) => {
          clearTimeout(timer);
          if (error !== null && error !== undefined) return reject(error);
          if (result.errors > 0 || result.non2xx > 0) {
            return reject(
              new Error(`${params.url}: ${result.errors} errors, ${result.non2xx} answers that are not 2xx`),
            );
          }
          resolve(result["2xx"]);
        },
      );
      instance.on("response", (_client, _status, _bytes, milliseconds) => {
        response.record(milliseconds * 1000);
        last = performance.now();
      });
    });
  return Promise.resolve({
    run: async () => {
      const start = performance.now();
      const work = await timed(fire);
      // autocannon checks only once a second whether it is done.
      return { ...work, seconds: (last - start) / 1000, response: response.percentiles() };
    },
  });
};
