/**
 * Spans by OpenTelemetry, sent to a collector over OTLP. Its packages are large and few want them: they are loaded when they are
 * asked for, and are to be installed beside this one. Where spans go, and with what, is in the variables of the environment that
 * all programs with OpenTelemetry have.
 */
import type * as Api from "@opentelemetry/api";
import type { Span, Tracer } from "@opentelemetry/api";
import type * as Otlp from "@opentelemetry/exporter-trace-otlp-http";
import type * as Resources from "@opentelemetry/resources";
import type * as Sdk from "@opentelemetry/sdk-trace-node";
import type { BasicTracerProvider, ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-node";
import { VERSION } from "../../protocol/version.js";
import type { Log } from "../log.js";
import { StartError } from "../shards/start-error.js";
import type { Attributes, OpenSpan, SpanError, SpanStart, Spans } from "./spans.js";

/** What is not installed with the package, in versions that go with each other and with all versions of Node.js that ringmq runs on. */
export const PACKAGES = [
  "@opentelemetry/api@1.9",
  "@opentelemetry/resources@2",
  "@opentelemetry/sdk-trace-node@2",
  "@opentelemetry/exporter-trace-otlp-http@0.223",
] as const;

/** How long the end waits for a collector that does not answer, in milliseconds. */
const LAST_SPANS = 2_000;

type Packages = readonly [typeof Api, typeof Resources, typeof Sdk, typeof Otlp];

const loadPackages = (): Promise<Packages> =>
  Promise.all([
    import("@opentelemetry/api"),
    import("@opentelemetry/resources"),
    import("@opentelemetry/sdk-trace-node"),
    import("@opentelemetry/exporter-trace-otlp-http"),
  ]);

/** @throws StartError when a package cannot be loaded */
export const openTelemetrySpans = async (node: number, log: Log, load = loadPackages): Promise<Spans> => {
  let packages: Packages;
  try {
    packages = await load();
  } catch (error) {
    const [reason = ""] = (error instanceof Error ? error.message : String(error)).split("\n", 1);
    throw new StartError(
      `spans are asked for (--trace), and OpenTelemetry cannot be loaded (${reason}): npm install ${PACKAGES.join(" ")}`,
    );
  }
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT } = process.env;
  const collector = OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || OTEL_EXPORTER_OTLP_ENDPOINT || "http://localhost:4318";
  log.info({ collector }, "what is part of a sampled trace has spans, which go to the collector");
  return new OpenTelemetrySpans(packages, node, log);
};

class OpenTelemetrySpans implements Spans {
  readonly #api: Packages[0];
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;

  constructor([api, resources, sdk, otlp]: Packages, node: number, log: Log) {
    this.#api = api;
    const own = resources.resourceFromAttributes({
      "service.name": "ringmq",
      "service.version": VERSION,
      "service.instance.id": String(node),
    });
    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win.
    const told = resources.detectResources({ detectors: [resources.envDetector] });
    const exporter = new ReportedExporter(new otlp.OTLPTraceExporter(), log);
    this.#provider = new sdk.BasicTracerProvider({
      resource: resources.defaultResource().merge(own).merge(told),
      // It holds 2,048 spans, and drops what comes while there are as many.
      spanProcessors: [new sdk.BatchSpanProcessor(exporter)],
    });
    this.#tracer = this.#provider.getTracer("ringmq", VERSION);
  }

  start({ name, kind, parent, attributes }: SpanStart): OpenSpan {
    const { ROOT_CONTEXT, SpanKind, trace } = this.#api;
    const context = trace.setSpanContext(ROOT_CONTEXT, {
      traceId: parent.traceId,
      spanId: parent.spanId,
      traceFlags: parent.flags,
      isRemote: true,
      ...(parent.state === undefined ? {} : { traceState: this.#api.createTraceState(parent.state) }),
    });
    const spanKind = kind === "server" ? SpanKind.SERVER : SpanKind.INTERNAL;
    return new OneSpan(this.#tracer.startSpan(name, { kind: spanKind, attributes }, context), this.#api);
  }

  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LAST_SPANS);
    });
    await Promise.race([this.#provider.shutdown().catch(() => {}), late]);
    clearTimeout(timer);
  }
}

class OneSpan implements OpenSpan {
  readonly #span: Span;
  readonly #api: Packages[0];

  constructor(span: Span, api: Packages[0]) {
    this.#span = span;
    this.#api = api;
  }

  end(attributes: Attributes, error?: SpanError): void {
    this.#span.setAttributes(attributes);
    if (error !== undefined) {
      this.#span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: error.text });
    }
    this.#span.end();
  }
}

/** The log says when a collector cannot be reached, and when it can again. */
class ReportedExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #log: Log;
  #isFailing = false;

  constructor(exporter: SpanExporter, log: Log) {
    this.#exporter = exporter;
    this.#log = log;
  }

  export(spans: ReadableSpan[], done: Parameters<SpanExporter["export"]>[1]): void {
    this.#exporter.export(spans, (result) => {
      const hasFailed = result.error !== undefined;
      if (hasFailed && !this.#isFailing) {
        this.#log.warn({ error: result.error }, "spans could not be sent to the collector, and are lost");
      } else if (!hasFailed && this.#isFailing) this.#log.info({}, "the collector takes spans again");
      this.#isFailing = hasFailed;
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  forceFlush(): Promise<void> {
    return this.#exporter.forceFlush?.() ?? Promise.resolve();
  }
}
