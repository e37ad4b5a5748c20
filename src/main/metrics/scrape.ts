/**
 * Samples as text, in the format of Prometheus; with the metrics of the process. Loaded with the first scrape: a broker that
 * nobody scrapes measures no event loop and loads no prom-client.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { LabelledMetric } from "./broker-metrics.js";
import { METRICS, type Samples } from "./samples.js";

/** A metric whose values are those of the present samples. */
const metricOf = (
  { name, type, help, labels }: LabelledMetric,
  samples: () => Samples,
): Counter | Gauge | Histogram => {
  const configuration = { name, help, labelNames: labels, registers: [] };
  const get = async () => ({ name, help, type, values: [...samples().of(name)], aggregator: "sum" });
  const metric =
    type === "counter"
      ? new Counter(configuration)
      : type === "gauge"
        ? new Gauge(configuration)
        : new Histogram(configuration);
  // The registry asks a histogram for text in another way than the rest.
  return Object.assign(metric, { get, getForPromString: get });
};

/**
 * Milliseconds between two scrapes at least, and before the first: prom-client looks how late its event loop is every 10, and shows
 * what was seen since the last scrape, which is no number where that is nothing.
 */
const MIN_AGE = 25;

export class Scrape {
  readonly #registry = new Registry();
  readonly #read: () => Samples;
  #samples: Samples | undefined;
  #text: Promise<string> | undefined;
  /** There is something to show. */
  readonly #measured = new Promise<void>((resolve) => setTimeout(resolve, MIN_AGE).unref());

  constructor(read: () => Samples) {
    this.#read = read;
    collectDefaultMetrics({ register: this.#registry });
    for (const metric of METRICS) this.#registry.registerMetric(metricOf(metric, () => this.#samples ?? read()));
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /**
   * The same text serves for as long as it took to make, and for `MIN_AGE`: however many ask at once, half of the thread is left for
   * clients.
   */
  text(): Promise<string> {
    this.#text ??= this.#scrape();
    return this.#text;
  }

  async #scrape(): Promise<string> {
    await this.#measured;
    const begin = performance.now();
    try {
      this.#samples = this.#read();
      return await this.#registry.metrics();
    } finally {
      this.#samples = undefined;
      const forget = (): void => {
        this.#text = undefined;
      };
      setTimeout(forget, Math.max(MIN_AGE, performance.now() - begin)).unref();
    }
  }
}
