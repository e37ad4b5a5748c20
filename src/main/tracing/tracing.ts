/** The spans of a broker: what its connections share. */
import { Deliveries } from "./deliveries.js";
import { Attribute, type Attributes, type OpenSpan, type SpanError, type Spans, type TraceContext } from "./spans.js";

/** How often it is looked for leases that have ended, in milliseconds. */
const SWEEP_EVERY = 1_000;

/** Publishes that are not answered and part of a trace; more are not. */
const MAX_PUBLISHES = 10_000;

export class Tracing {
  readonly deliveries = new Deliveries();
  readonly #spans: Spans;
  readonly #sweeper: NodeJS.Timeout;
  /** Of publishes, that have begun and not ended. */
  #open = 0;

  /** @param now milliseconds since 1970 */
  constructor(
    spans: Spans,
    readonly now: () => number,
  ) {
    this.#spans = spans;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_EVERY).unref();
  }

  get isFull(): boolean {
    return this.#open >= MAX_PUBLISHES;
  }

  /** Begins the span of a publish, which `end` ends. */
  publish(destination: string, parent: TraceContext, attributes: Attributes): OpenSpan {
    this.#open++;
    return this.#start("publish", destination, parent, { [Attribute.OPERATION_TYPE]: "send", ...attributes });
  }

  end(span: OpenSpan, attributes: Attributes, error?: SpanError): void {
    this.#open--;
    span.end(attributes, error);
  }

  deliver(destination: string, parent: TraceContext, attributes: Attributes): OpenSpan {
    return this.#start("deliver", destination, parent, attributes);
  }

  /** Brings away what there is; what has not ended is lost. */
  close(): Promise<void> {
    clearInterval(this.#sweeper);
    return this.#spans.close();
  }

  #sweep(): void {
    if (this.deliveries.size > 0) this.deliveries.sweep(this.now());
  }

  #start(
    operation: "publish" | "deliver",
    destination: string,
    parent: TraceContext,
    attributes: Attributes,
  ): OpenSpan {
    return this.#spans.start({
      name: `${operation} ${destination}`,
      kind: operation === "publish" ? "server" : "internal",
      parent,
      attributes: {
        [Attribute.SYSTEM]: "ringmq",
        [Attribute.OPERATION]: operation,
        [Attribute.DESTINATION]: destination,
        ...attributes,
      },
    });
  }
}
