/** The composition root: an engine that keeps messages and a server that talks to clients make a broker. */
import { warnOfExposure } from "./access/exposure.js";
import type { Addresses, Broker } from "./broker-handle.js";
import { sampleBroker } from "./broker-samples.js";
import { CloseError } from "./close-error.js";
import { Engine } from "./engine.js";
import { Announcer } from "./events.js";
import { Foundation } from "./foundation.js";
import { Health } from "./metrics/health.js";
import { MqFiles } from "./mq-files.js";
import { BrokerWatch } from "./native/broker-watch.js";
import { ConnectionTable } from "./native/connection-table.js";
import { OutboxDrain } from "./native/outbox-drain.js";
import type { Usage } from "./native/usage.js";
import { type BrokerOptions, needsClientCertificate, resolveOptions } from "./options.js";
import { type Certificates, logCertificates, readCertificates, withOwn } from "./ports/certificate.js";
import type { FrontEnd } from "./ports/front-end.js";
import type { HttpEngineFactory } from "./ports/http/engine.js";
import type { HttpPath } from "./ports/http/entrance.js";
import { findHttpEngine } from "./ports/http/find-engine.js";
import type { SelfSigned } from "./ports/self-signed.js";
import { LINGER } from "./ports/tcp-transport.js";
import { type ReloadOptions, reloadedOptions } from "./reloading.js";
import { Sampler } from "./sampler.js";
import { Server, SWEEP_EVERY } from "./server.js";
import { findRoom } from "./shards/descriptors.js";
import { POOL_THREADS } from "./shards/job-pool.js";
import { Router } from "./shards/router.js";
import type { ShardEvents, Supervisor, SupervisorSeams } from "./shards/supervisor.js";
import { openTelemetrySpans } from "./tracing/open-telemetry.js";
import { connectionMaker } from "./tracing/traced-connection.js";
import { Tracing } from "./tracing/tracing.js";

/** How long the end waits for the files of topics to be written to their ends. */
const LAST_LINES = 2_000;

/** What tests put in place of parts of a broker. */
export interface BrokerSeams extends SupervisorSeams {
  /** On the TCP port, in place of those that the broker has. */
  readonly frontEnds?: readonly FrontEnd[];
  /** The file that runs as the gRPC thread. */
  readonly grpcThread?: URL;
  /** Told where the broker listens before its shards have started. */
  readonly listensEarly?: (addresses: Addresses) => void;
  /** The directory of the console's files. */
  readonly page?: URL;
  /** Milliseconds between two looks at what is idle or late. What it counts passes as much faster. */
  readonly sweepEvery?: number;
}

export class RunningBroker extends Announcer implements Broker {
  readonly connections: ConnectionTable;
  #options: BrokerOptions;
  readonly #engine: Engine;
  readonly #server: Server;
  readonly #health: Health;
  readonly #listensEarly: BrokerSeams["listensEarly"];
  readonly #selfSigned: SelfSigned | undefined;
  /** Undefined: it makes no spans. */
  readonly #tracing: Tracing | undefined;
  /** Undefined: there are no files of topics. */
  readonly #mqFiles: MqFiles | undefined;
  readonly #watch: BrokerWatch;
  readonly #sampler: Sampler;
  /** Milliseconds between two samples. */
  readonly #sampleEvery: number;
  #sampling: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  /** Listens nowhere yet: see `start`. */
  constructor(
    options: BrokerOptions,
    router: Router,
    seams: BrokerSeams,
    /** That there are descriptors for, at any time. */
    maxSockets: number,
    /** Undefined: HTTP is off. */
    makeHttpEngine: HttpEngineFactory | undefined,
    foundation: Foundation,
    certificates: Certificates,
    tracing: Tracing | undefined,
  ) {
    super();
    this.#options = options;
    this.#tracing = tracing;
    const { maxConnections, helloTimeout, log } = options;
    const connections = new ConnectionTable(maxConnections, helloTimeout);
    this.connections = connections;
    const drain = new OutboxDrain((id) => connections.get(id), log);
    this.#selfSigned = foundation.selfSigned;
    const events: ShardEvents = {
      lost: (shard, reason) => {
        this.#server.shardLost(shard, reason);
        this.announce("shard-lost", { shard, reason });
      },
      back: (shard, messages) => this.announce("shard-back", { shard, messages }),
    };
    this.#engine = new Engine(options, foundation, drain, events, seams);
    if (foundation.data !== undefined) {
      foundation.data.watch.onChange = (isFull, freeBytes) =>
        this.announce(isFull ? "disk-full" : "disk-free", { freeBytes });
    }
    const health = new Health(this.#engine.supervisor);
    const { shards, maxFrameBytes, maxOutgoingBytes } = options;
    const watch = new BrokerWatch({ shards, maxFrameBytes, maxOutgoingBytes, log });
    this.#watch = watch;
    this.#sampler = new Sampler({ connections, engine: this.#engine });
    this.#health = health;
    this.#listensEarly = seams.listensEarly;
    const { frontEnds, grpcThread, page, sweepEvery = SWEEP_EVERY } = seams;
    this.#sampleEvery = sweepEvery;
    this.#server = new Server({
      options,
      router,
      engine: this.#engine,
      connections,
      maxSockets,
      makeConnection: connectionMaker(tracing),
      makeHttpEngine,
      certificates,
      frontEnds,
      grpcThread,
      page,
      sweepEvery,
      health,
      watch,
      samples: () =>
        sampleBroker({
          options,
          engine: this.#engine,
          server: this.#server,
          connections,
          health,
          mqFiles: this.#mqFiles,
        }),
    });
    if (options.mqFiles !== undefined) this.#mqFiles = new MqFiles(this.#server, options.mqFiles, log);
  }

  get options(): BrokerOptions {
    return this.#options;
  }

  get addresses(): Addresses {
    return this.#server.addresses;
  }

  get supervisor(): Supervisor {
    return this.#engine.supervisor;
  }

  get usage(): Usage {
    return this.#server.usage;
  }

  /** What the HTTP port answers, and which of it answers whoever asks. */
  get httpPaths(): readonly HttpPath[] {
    return this.#server.httpPaths;
  }

  /** Where the HTTP port takes WebSockets. */
  get webSocketPaths(): ReadonlySet<string> {
    return this.#server.webSocketPaths;
  }

  /** It has as many sockets as it may. */
  get isFull(): boolean {
    return this.#server.isFull;
  }

  /**
   * Starts the shards, then listens; the HTTP port says meanwhile that it is not ready.
   *
   * @throws StartError when a journal cannot be used; ListenError when an address cannot be had.
   */
  async start(): Promise<void> {
    try {
      await this.#server.listenEarly();
      this.#listensEarly?.(this.addresses);
      await this.#engine.start();
      await this.#server.listen();
      this.#sample();
      this.#sampling = setInterval(() => this.#sample(), this.#sampleEvery);
      this.#sampling.unref();
      this.#health.started();
      this.#selfSigned?.watch(this.#renewOwn);
      this.#mqFiles?.start();
    } catch (error) {
      // What could not start may not stop in order either: the first error is the one that tells what to do.
      await Promise.allSettled([this.close()]);
      throw error;
    }
  }

  reload(options: ReloadOptions = {}): void {
    const next = reloadedOptions(this.#options, options);
    const certificates = readCertificates(next);
    this.#options = next;
    this.#server.reload(next);
    this.#renew(certificates);
    this.#selfSigned?.refresh(next, this.#renewOwn);
  }

  #renew(certificates: Certificates): void {
    this.#server.renew(certificates);
    logCertificates(certificates, this.options.log, new Date());
  }

  #sample(): void {
    this.#watch.take(this.#sampler.take(Date.now(), performance.timeOrigin + performance.now()));
  }

  readonly #renewOwn = (): void => {
    const none: Certificates = { tcp: undefined, http: undefined, grpc: undefined };
    this.#renew(withOwn(none, this.options, this.#selfSigned?.certificate));
  };

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const deadline = performance.now() + this.options.closeTimeout;
    this.#health.stopping();
    this.#selfSigned?.stop();
    const left = (): number => Math.max(0, deadline - performance.now());
    // While there are connections: the writer of the files has one.
    await this.#mqFiles?.stop(Math.min(LAST_LINES, left()));
    await this.#server.goodbye(left());
    const disorderly = await this.#engine.stop(Math.max(0, left() - LINGER));
    await this.#server.close(left);
    await this.#engine.close();
    this.#server.closeMetrics();
    clearInterval(this.#sampling);
    await this.#tracing?.close();
    const error = disorderly.length > 0 ? new CloseError(disorderly) : undefined;
    this.announce("closed", error);
    if (error !== undefined) throw error;
  }
}

/**
 * Starts a broker. `options` over the defaults of `BrokerOptions`; `seams` are for tests.
 *
 * @throws RangeError for an option out of its range, or that there is not; CertificateError, which is one, for a file that TLS
 * needs; StartError when the data directory or a journal in it cannot be used, or the process may have too few files open;
 * ListenError when an address cannot be had.
 */
export const startBroker = async (
  options: Partial<BrokerOptions> = {},
  seams: BrokerSeams = {},
): Promise<RunningBroker> => {
  const resolved = resolveOptions(options);
  const { connections, sockets } = findRoom(resolved, POOL_THREADS);
  // The shares of addresses follow.
  const isBounded = connections < resolved.maxConnections;
  const effective = isBounded ? resolveOptions({ ...options, maxConnections: connections }) : resolved;
  const { http, httpEngine, httpTls, log, metricsAddress = "off", node, shards, trace } = effective;
  const ofFiles = readCertificates(effective);
  const isMutual = needsClientCertificate(httpTls);
  const hasHttp = http !== "off" || metricsAddress !== "off";
  const makeHttpEngine = !hasHttp ? undefined : await findHttpEngine(httpEngine, isMutual, log);
  const tracing = trace ? new Tracing(await openTelemetrySpans(node, log), Date.now) : undefined;
  const router = await Router.create(shards);
  const foundation = await Foundation.lay(effective);
  const certificates = withOwn(ofFiles, effective, foundation.selfSigned?.certificate);
  logCertificates(certificates, log, new Date());
  const broker = new RunningBroker(
    effective,
    router,
    seams,
    sockets,
    makeHttpEngine,
    foundation,
    certificates,
    tracing,
  );
  await broker.start();
  warnOfExposure(effective, log);
  return broker;
};
