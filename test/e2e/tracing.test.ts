/** Spans of a broker, as a collector gets them over OTLP. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { SILENT } from "../../src/main/log.js";
import { openTelemetrySpans, PACKAGES } from "../../src/main/tracing/open-telemetry.js";
import { HAS_HEADERS } from "../../src/protocol/entry.js";
import { packHeaders } from "../../src/protocol/headers.js";
import { formatId } from "../../src/protocol/id.js";
import { Op } from "../../src/protocol/op.js";
import { RECEIPT_ID_HIGH, RECEIPT_ID_LOW } from "../../src/protocol/selection.js";
import { entries, type Frame, frame } from "../main/frames.js";
import { testBroker } from "./brokers.js";
import { NativeClient } from "./native-client.js";

const { connect } = (await import(
  "../../dist/client/index.js" as string
)) as typeof import("../../src/client/index.js");

interface OtlpSpan {
  readonly traceId: string;
  readonly parentSpanId: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly status: { readonly code?: number; readonly message?: string };
}

interface Exported {
  readonly resourceSpans: readonly {
    readonly resource: Pick<OtlpSpan, "attributes">;
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

const SERVER = 2;
const INTERNAL = 1;
const ERROR = 2;

const valuesOf = ({ attributes }: Pick<OtlpSpan, "attributes">): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

/** A collector, and what it was sent. */
class Collector {
  readonly spans: OtlpSpan[] = [];
  readonly resources: Record<string, unknown>[] = [];
  /** What it answers. */
  status = 200;
  requests = 0;
  readonly #waiting = new Set<() => void>();

  static async open(): Promise<Collector> {
    const collector = new Collector();
    const server = createServer((request, response) => void collector.#take(request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = `http://127.0.0.1:${port}`;
    process.env["OTEL_BSP_SCHEDULE_DELAY"] = "20";
    return collector;
  }

  /** Resolves when that holds. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  /** The span of this name and trace. */
  async find(name: string, trace: string): Promise<OtlpSpan> {
    const found = (): OtlpSpan | undefined =>
      this.spans.find((span) => span.name === name && span.traceId === idOf(trace));
    await this.until(() => found() !== undefined);
    return found() as OtlpSpan;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    expect([request.url, request.headers["content-type"]]).toEqual(["/v1/traces", "application/json"]);
    response.writeHead(this.status, { "content-type": "application/json" }).end("{}");
    this.requests++;
    if (this.status === 200) {
      const { resourceSpans } = JSON.parse(Buffer.concat(parts).toString()) as Exported;
      for (const { resource, scopeSpans } of resourceSpans) {
        this.resources.push(valuesOf(resource));
        this.spans.push(...scopeSpans.flatMap(({ spans }) => spans));
      }
    }
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** An entry whose headers name the trace. */
const traceEntry = (trace: string): Buffer => {
  const headers = packHeaders(of(trace).headers);
  const entry = Buffer.concat([Buffer.alloc(6), headers, Buffer.from("x")]);
  entry.writeUInt32BE(HAS_HEADERS + entry.length - 4, 0);
  entry.writeUInt16BE(headers.length, 4);
  return entry;
};

const idOf = (trace: string): string => Buffer.from(trace.padEnd(16, ".")).toString("hex");
/** A request and whatever is answered next. */
const exchange = (client: NativeClient, ...request: Parameters<typeof frame>): Promise<Frame> => {
  client.send(frame(...request));
  return client.next();
};

const PARENT = "00f067aa0ba902b7";
const of = (trace: string, flags = "01") => ({ headers: { traceparent: `00-${idOf(trace)}-${PARENT}-${flags}` } });

describe("a broker that makes spans", () => {
  it("tells of publishes until they are confirmed or refused, of whoever wants to see it", async () => {
    const collector = await Collector.open();
    const { tcp } = await testBroker({ trace: true, node: 7 });
    const client = await connect(`tcp://127.0.0.1:${tcp}`, { name: "shop" });
    const { id } = await client.publish("orders", "x", of("one"));
    await client.publish("orders", "not sampled", of("unseen", "00"));
    await client.publish("orders", "no context");
    await client.publish("orders", "nonsense", { headers: { traceparent: "00-00-00-01" } });
    await client.publishToChannel("prices", "x", of("channel"));
    await expect(client.publish("orders", "x", { ...of("refused"), routeKey: "nowhere" })).rejects.toMatchObject({
      code: "NO_ROUTE",
    });
    const native = await NativeClient.greeted(tcp);
    const traced = Buffer.concat([traceEntry("first"), traceEntry("second"), traceEntry("second"), entries("4")]);
    const batch = await exchange(native, Op.PUBLISH, 2, ["orders"], traced);
    const one = await collector.find("publish orders", "one");
    expect(one).toMatchObject({ parentSpanId: PARENT, kind: SERVER, status: {} });
    expect(BigInt(one.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(one.startTimeUnixNano));
    expect(valuesOf(one)).toMatchObject({
      "messaging.system": "ringmq",
      "messaging.operation.name": "publish",
      "messaging.operation.type": "send",
      "messaging.destination.name": "orders",
      "messaging.message.id": id,
      "messaging.batch.message_count": 1,
      "ringmq.destination.kind": "topic",
    });
    expect(valuesOf(await collector.find("publish prices", "channel"))).toMatchObject({
      "ringmq.destination.kind": "channel",
    });
    const refused = await collector.find("publish orders", "refused");
    expect(refused.status).toMatchObject({ code: ERROR });
    expect(valuesOf(refused)["error.type"]).toBe("NO_ROUTE");
    const second = valuesOf(await collector.find("publish orders", "second"));
    expect([second["messaging.batch.message_count"], second["messaging.message.id"]]).toEqual([
      2,
      formatId(batch.payload.readUInt32BE(RECEIPT_ID_HIGH), batch.payload.readUInt32BE(RECEIPT_ID_LOW) + 1),
    ]);
    await collector.find("publish orders", "first");
    expect(collector.spans.map(({ traceId }) => traceId)).not.toContain(idOf("unseen"));
    expect(collector.spans.length).toBe(5);
    expect(collector.resources[0]).toMatchObject({ "service.name": "ringmq", "service.instance.id": "7" });
    await client.close();
  });

  it("tells of deliveries until they are settled, or come back", async () => {
    const collector = await Collector.open();
    const { tcp } = await testBroker({ trace: true });
    const client = await connect(`tcp://127.0.0.1:${tcp}`);
    const outcomeOf = async (topic: string, trace = topic): Promise<unknown> =>
      valuesOf(await collector.find(`deliver ${topic}`, trace))["ringmq.outcome"];
    const topics = ["acked", "nacked", "released", "expired", "closed", "auto", "seen"];
    await client.configure("expired", { ttr: 1_000 });
    await client.configure("auto", { autoAck: true });
    await client.configure("seen", { autoAck: true });
    const ids = await Promise.all(topics.map(async (topic) => (await client.publish(topic, "x", of(topic))).id));

    const [acked] = await client.pop("acked");
    await acked?.ack();
    const [nacked] = await client.pop("nacked");
    await nacked?.nack();
    const native = await NativeClient.greeted(tcp);
    const popped = await exchange(native, Op.POP, 2, ["released"]);
    // The id, one message, and the number of the delivery.
    const selection = Buffer.concat([popped.payload.subarray(0, 12), popped.payload.subarray(16, 20)]);
    await exchange(native, Op.RELEASE, 3, ["released"], selection);
    await client.pop("expired");
    await client.pop("auto");
    const other = await connect(`tcp://127.0.0.1:${tcp}`, { reconnect: false });
    for await (const _message of await other.consume("closed")) break;
    await other.close();
    for await (const _message of await client.consume("seen")) break;

    const delivered = await collector.find("deliver acked", "acked");
    expect(delivered).toMatchObject({ parentSpanId: PARENT, kind: INTERNAL, status: {} });
    expect(valuesOf(delivered)).toMatchObject({
      "messaging.operation.name": "deliver",
      "messaging.destination.name": "acked",
      "messaging.destination.subscription.name": "default",
      "messaging.message.id": ids[0],
      "ringmq.outcome": "acked",
      "ringmq.retry": 0,
    });
    expect(await outcomeOf("nacked")).toBe("nacked");
    expect(await outcomeOf("released")).toBe("released");
    expect(await outcomeOf("auto")).toBe("acked");
    expect(await outcomeOf("seen")).toBe("acked");
    const expired = await collector.find("deliver expired", "expired");
    expect([valuesOf(expired)["ringmq.outcome"], expired.status.code]).toEqual(["expired", ERROR]);
    // A look is no delivery.
    expect(await outcomeOf("closed")).toBe("connection closed");
    const looks = collector.spans.length;
    expect(await client.browse("closed", { state: "ready" })).toHaveLength(1);
    await client.publish("last", "x", of("last"));
    await collector.find("publish last", "last");
    expect(collector.spans.length).toBe(looks + 1);
    await client.close();
  });

  it("goes on where a collector takes nothing, and says so once", async () => {
    const collector = await Collector.open();
    collector.status = 400;
    const warnings: string[] = [];
    const say = (_fields: object, text: string): void => void warnings.push(text);
    const log = { debug: () => {}, info: say, warn: say, error: say };
    const { broker, tcp } = await testBroker({ trace: true, log });
    const client = await connect(`tcp://127.0.0.1:${tcp}`);
    await client.publish("orders", "x", of("lost"));
    await collector.until(() => collector.requests === 1);
    await client.publish("orders", "x", of("lost"));
    await collector.until(() => collector.requests === 2);
    collector.status = 200;
    await client.publish("orders", "x", of("seen"));
    await collector.find("publish orders", "seen");
    await client.close();
    await broker.close();
    expect(warnings.filter((text) => text.includes("could not be sent"))).toHaveLength(1);
    expect(warnings).toContain("the collector takes spans again");
  });

  it("refuses what makes no sense as it does without spans", async () => {
    await Collector.open();
    const hostile: [number, readonly unknown[], Buffer][] = [
      // Entries that end in the middle of one, headers longer than their entry, headers that are no map.
      [Op.PUBLISH, ["t"], traceEntry("a").subarray(0, -3)],
      [Op.PUBLISH, ["t"], Buffer.from("80000004ffff7472", "hex")],
      [Op.PUBLISH, ["t"], Buffer.concat([Buffer.from("8000000e000cab", "hex"), Buffer.from("traceparent")])],
      // Numbers and keys that are not there.
      [Op.PUBLISH, ["t", null, 0, 0, "producer", 1000], Buffer.from("traceparent")],
      [Op.PUBLISH, ["t", null, 0, 0, null, 1000], Buffer.concat([Buffer.from("ffffffff", "hex"), traceEntry("a")])],
      [Op.PUBLISH, ["t", {}], traceEntry("a")],
      [Op.PUBLISH_CHANNEL, ["t"], Buffer.from("traceparent")],
      [Op.CONSUME, ["t", {}], Buffer.alloc(0)],
      [Op.POP, ["t", { a: 1 }], Buffer.alloc(0)],
      [Op.ACK, ["t"], Buffer.alloc(7)],
      [Op.TOUCH, ["t", null, "soon"], Buffer.alloc(16)],
    ];
    const answers = await Promise.all(
      [true, false].map(async (trace) => {
        const { tcp } = await testBroker({ trace });
        const client = await NativeClient.greeted(tcp);
        const told: unknown[] = [];
        for (const [i, [op, head, payload]] of hostile.entries()) {
          const answer = await exchange(client, op, 2 + i, head, payload);
          told.push([answer.op, answer.head]);
        }
        return told;
      }),
    );
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]?.length).toBe(hostile.length);
  });
});

describe("a broker that cannot make spans", () => {
  it("does not start, and says what to install", async () => {
    const missing = (): Promise<never> =>
      Promise.reject(new Error("Cannot find package '@opentelemetry/api'\nand more"));
    await expect(openTelemetrySpans(1, SILENT, missing)).rejects.toThrow(
      "OpenTelemetry cannot be loaded (Cannot find package '@opentelemetry/api'): npm install @opentelemetry/api@1.9 @",
    );
    // What the documents say is the same, and what is tested here.
    expect(readFileSync("docs/operations.md", "utf8")).toContain(`\nnpm install ${PACKAGES.join(" ")}\n`);
    const { devDependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
      readonly devDependencies: Readonly<Record<string, string>>;
    };
    for (const each of PACKAGES) {
      const [, name = "", version = ""] = /^(.+)@([\d.]+)$/.exec(each) ?? [];
      expect(devDependencies[name]).toMatch(new RegExp(`^\\^${version.replaceAll(".", "\\.")}\\.`));
    }
  });
});
