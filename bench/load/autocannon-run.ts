/**
 * Runs autocannon and measures the time of each response.
 */
import autocannon, { type Options } from "autocannon";
import { Histogram, type Percentiles } from "../measure/histogram.js";
import { timed, type Work } from "./role.js";

export interface HttpOutcome extends Work {
  readonly response: Percentiles;
}

/** `messages` of the outcome are requests that were answered 2xx. Nothing is sent after this many seconds. */
export const runAutocannon = async (options: Options, seconds: number): Promise<HttpOutcome> => {
  const response = new Histogram();
  let last = 0;
  const fire = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => instance.stop(), seconds * 1000);
      const instance = autocannon(options, (error: unknown, result) => {
        clearTimeout(timer);
        if (error !== null && error !== undefined) return reject(error);
        if (result.errors > 0 || result.non2xx > 0) {
          return reject(
            new Error(`${options.url}: ${result.errors} errors, ${result.non2xx} answers that are not 2xx`),
          );
        }
        resolve(result["2xx"]);
      });
      instance.on("response", (_client, _status, _bytes, milliseconds) => {
        response.record(milliseconds * 1000);
        last = performance.now();
      });
    });
  const start = performance.now();
  const work = await timed(fire);
  // autocannon checks only once a second whether it is done.
  return { ...work, seconds: (last - start) / 1000, response: response.percentiles() };
};
