/**
 * Samples as text, in the format of Prometheus; with the metrics of the process. Loaded with the first scrape: a broker that
 * nobody scrapes measures no event loop and loads no prom-client.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, type Metric, Registry } from "prom-client";
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

/** What prom-client tells of the delays of the event loop since the last scrape. */
const DELAYS = /^nodejs_eventloop_lag_(?:min|max|mean|stddev|p\d+)_seconds$/;

/** Seconds, more than any delay. */
const NO_DELAY = 1e6;

/** Where it has seen no delay since, which is so at first, it tells what none can be: not a number, 0, or all that a clock can count. */
const leaveOutWhatIsNone = (metric: Metric): void => {
  const get = metric.get.bind(metric);
  const seen = async () => {
    const { values, ...rest } = await get();
    return { ...rest, values: values.filter(({ value }) => value > 0 && value < NO_DELAY) };
  };
  Object.assign(metric, { get: seen });
};

export class Scrape {
  readonly #registry = new Registry();
  readonly #read: () => Samples;
  #samples: Samples | undefined;
  #bytes: Promise<Buffer> | undefined;

  constructor(read: () => Samples) {
    this.#read = read;
    collectDefaultMetrics({ register: this.#registry });
    for (const { name } of this.#registry.getMetricsAsArray()) {
      const metric = DELAYS.test(name) ? this.#registry.getSingleMetric(name) : undefined;
      if (metric !== undefined) leaveOutWhatIsNone(metric);
    }
    for (const metric of METRICS) this.#registry.registerMetric(metricOf(metric, () => this.#samples ?? read()));
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /**
   * The text. The same serves for as long as it took to make: however many ask at once, half of the thread is left for clients, and
   * those who do not take theirs do not each have a copy kept for them.
   */
  bytes(): Promise<Buffer> {
    this.#bytes ??= this.#scrape();
    return this.#bytes;
  }

  async #scrape(): Promise<Buffer> {
    const begin = performance.now();
    try {
      this.#samples = this.#read();
      return Buffer.from(await this.#registry.metrics());
    } finally {
      this.#samples = undefined;
      const forget = (): void => {
        this.#bytes = undefined;
      };
      setTimeout(forget, performance.now() - begin).unref();
    }
  }
}
