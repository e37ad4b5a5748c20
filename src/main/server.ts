/** What talks to clients: the ports, the front ends behind them, the connections, and the budgets that these share. */
import { setTimeout as delay } from "node:timers/promises";
import { Access } from "./access/access.js";
import type { Addresses } from "./broker-handle.js";
import type { Engine } from "./engine.js";
import { HttpDoors } from "./http-doors.js";
import { type Health, STOPPING } from "./metrics/health.js";
import { MetricsPort } from "./metrics/metrics-port.js";
import { installHealth, installMetrics } from "./metrics/routes.js";
import type { Samples } from "./metrics/samples.js";
import { AssemblyMemory } from "./native/assembly.js";
import type { BrokerWatch } from "./native/broker-watch.js";
import { CallDesk, systemSchedule } from "./native/call-desk.js";
import type { NativeConnection } from "./native/connection.js";
import type { ConnectionContext } from "./native/connection-context.js";
import type { ConnectionKind, SessionSide } from "./native/connection-kind.js";
import type { ConnectionTable } from "./native/connection-table.js";
import { contain } from "./native/error-boundary.js";
import { helloHead } from "./native/handshake.js";
import { MessageHistories } from "./native/message-histories.js";
import { OutputPool } from "./native/output-pool.js";
import type { Session } from "./native/session.js";
import type { SessionClient } from "./native/session-client.js";
import { type SessionHost, type SessionKind, Sessions } from "./native/sessions.js";
import type { Transport } from "./native/transport.js";
import { UnsentBudget } from "./native/unsent-budget.js";
import type { Usage } from "./native/usage.js";
import { WaitingInput } from "./native/waiting-input.js";
import { type BrokerOptions, MIN_SHARED_CONNECTIONS } from "./options.js";
import { AddressShares } from "./ports/address-shares.js";
import type { Certificates } from "./ports/certificate.js";
import type { ConnectionHost } from "./ports/connection-host.js";
import { DescriptorWatch } from "./ports/descriptor-watch.js";
import type { FrontEnd } from "./ports/front-end.js";
import { protocolOf } from "./ports/front-end-socket.js";
import { GrpcPort } from "./ports/grpc/grpc-port.js";
import type { HttpEngineFactory } from "./ports/http/engine.js";
import type { HttpPath } from "./ports/http/entrance.js";
import type { HttpListener } from "./ports/http/listener.js";
import { HttpSessions } from "./ports/http/sessions.js";
import { nativeProtocol } from "./ports/native-protocol.js";
import { TcpListener } from "./ports/tcp-listener.js";
import { LINGER } from "./ports/tcp-transport.js";
import type { Router } from "./shards/router.js";
import type { LossKind } from "./shards/shard-loss.js";
import { frontEndsOf } from "./tcp-front-ends.js";
import type { ConnectionMaker } from "./tracing/traced-connection.js";

/** How often silent connections are looked for, and memory of busier times given back. */
export const SWEEP_EVERY = 1_000;
const TRIM_EVERY = 10;

/** How long clients that have heard GOODBYE may go on; they are done when this many looks found nothing under way. */
const GOODBYE_GRACE = 1_000;
const QUIET_LOOKS = 5;
const CLOSE_LOOK = 20;

/** HTTP sockets accepted past maxConnections, so that those that become WebSockets are told why they are refused. */
const MAX_EXCESS = 100;

/**
 * The share of the connections for all of plain HTTP. An engine does not tell whose socket has closed, so addresses have
 * no shares of their own.
 */
const PLAIN_SHARE = 0.3;

/** Who the broker itself is as a client of its shards, and how many requests it has unanswered. */
const OWN = { protocol: "broker", address: "itself", credential: undefined };
const OWN_IN_FLIGHT = 16;

/** What a server is made of. */
export interface ServerParts {
  readonly options: BrokerOptions;
  readonly router: Router;
  readonly engine: Engine;
  readonly connections: ConnectionTable;
  /** There are descriptors for so many, at any time. */
  readonly maxSockets: number;
  readonly makeConnection: ConnectionMaker;
  /** Undefined: HTTP is off. */
  readonly makeHttpEngine: HttpEngineFactory | undefined;
  readonly certificates: Certificates;
  /** Beside the native protocol. Undefined: those that there are. */
  readonly frontEnds: readonly FrontEnd[] | undefined;
  /** The file that runs as the gRPC thread. Undefined: the broker's own. */
  readonly grpcThread: URL | undefined;
  /** The directory of the console's files. Undefined: the broker's own. */
  readonly page: URL | undefined;
  /** Milliseconds between two sweeps. */
  readonly sweepEvery: number;
  readonly health: Health;
  readonly watch: BrokerWatch;
  /** Called for each scrape. */
  readonly samples: () => Samples;
}

export class Server implements ConnectionHost, SessionHost {
  readonly shares: AddressShares;
  readonly #options: BrokerOptions;
  readonly #connections: ConnectionTable;
  readonly #maxSockets: number;
  readonly #makeConnection: ConnectionMaker;
  readonly #sweepEvery: number;
  readonly #context: ConnectionContext;
  readonly #tcp: TcpListener | undefined;
  readonly #http: HttpListener | undefined;
  readonly #httpDoors: HttpDoors | undefined;
  readonly #grpc: GrpcPort | undefined;
  /** Undefined: it has no address of its own. */
  readonly #metrics: MetricsPort | undefined;
  readonly #sessions: Sessions;
  /** Of the HTTP port. */
  readonly #httpSessions: HttpSessions;
  readonly #descriptors: DescriptorWatch;
  #addresses: Addresses = { tcp: undefined, http: undefined, grpc: undefined, metrics: undefined };
  #sweeper: NodeJS.Timeout | undefined;
  #sweeps = 0;

  /** Listens nowhere yet: see `listen`. */
  constructor({
    options,
    router,
    engine,
    connections,
    maxSockets,
    makeConnection,
    makeHttpEngine,
    certificates,
    frontEnds,
    grpcThread,
    page,
    sweepEvery,
    health,
    watch,
    samples,
  }: ServerParts) {
    const { helloTimeout, maxFrameBytes, maxMessageBytes, log } = options;
    const { supervisor, backups } = engine;
    const access = new Access(options.users, log);
    this.#options = options;
    this.#connections = connections;
    this.#maxSockets = maxSockets;
    this.#makeConnection = makeConnection;
    this.#sweepEvery = sweepEvery;
    this.shares = new AddressShares(options.maxConnectionsPerAddress);
    const histories = new MessageHistories({
      router,
      pool: engine.pool,
      data: options.durability === "memory" ? undefined : options.data,
      openSession: (client) =>
        this.#openSession(
          { identity: OWN, inOrder: false, maxInFlight: OWN_IN_FLIGHT, isTrusted: true },
          client,
          false,
        ),
    });
    this.#context = {
      options,
      router,
      links: supervisor.links,
      down: supervisor.down,
      assembly: new AssemblyMemory(options.maxAssemblyBytes),
      pool: new OutputPool(),
      unsent: new UnsentBudget(options.maxUnsentBytes, log),
      waiting: new WaitingInput(options.maxAssemblyBytes),
      calls: new CallDesk(options, systemSchedule(), log),
      access,
      connections,
      now: Date.now,
      get isClosing() {
        return supervisor.isStopping;
      },
      hello: helloHead(options),
      saidHello: (connection) => connections.saidHello(connection),
      history: (topic, idHigh, idLow) => histories.of(topic, idHigh, idLow),
      watch,
      backup: (connection, directory) => backups.run(connection, directory),
      closed: (connection, isAwaited) => connections.remove(connection, isAwaited),
    };
    this.#sessions = new Sessions(maxFrameBytes, log);
    this.#httpSessions = new HttpSessions((kind, client) => this.#openSession(kind, client, false));
    if (options.tcp !== "off") {
      const { assembly: memory, pool } = this.#context;
      const { maxInFlight, gmqIdentity: identity } = options;
      const context = { host: this, memory, pool, maxMessageBytes, maxInFlight, access, identity, log };
      const foreign = (frontEnds ?? frontEndsOf(options)).map((frontEnd) => protocolOf(frontEnd, context));
      const protocols = [nativeProtocol(this, log), ...foreign];
      this.#tcp = new TcpListener(this, protocols, helloTimeout, log, certificates.tcp);
    }
    if (options.http !== "off" && makeHttpEngine !== undefined) {
      this.#httpDoors = new HttpDoors({
        options,
        address: options.http,
        host: this,
        makeEngine: makeHttpEngine,
        certificate: certificates.http,
        access,
        sessions: this.#httpSessions,
        waiting: this.#context.waiting,
        health,
        samples,
        page,
      });
      this.#http = this.#httpDoors.listener;
    }
    if (options.grpc !== "off") this.#grpc = new GrpcPort(this, options, certificates.grpc, grpcThread);
    const { metricsAddress: address = "off" } = options;
    if (address !== "off" && makeHttpEngine !== undefined) {
      this.#metrics = new MetricsPort({ ...options, address, access }, makeHttpEngine);
      installHealth(this.#metrics.entrance, health);
      installMetrics(this.#metrics.entrance, samples);
    }
    const ports = [this.#tcp, this.#http, this.#grpc].filter((port) => port !== undefined);
    this.#descriptors = new DescriptorWatch(ports, log);
  }

  get addresses(): Addresses {
    return this.#addresses;
  }

  /**
   * Begins to listen for those who want to know how the broker does: nothing else is answered but with 503. ListenError: an
   * address cannot be had.
   */
  async listenEarly(): Promise<void> {
    const { http } = this.#options;
    this.#addresses = {
      ...this.#addresses,
      metrics: await this.#metrics?.listen(),
      http: http === "off" ? undefined : await this.#http?.listen(http),
    };
  }

  /** Begins to listen for clients. ListenError: an address cannot be had. */
  async listen(): Promise<void> {
    const { tcp, grpc } = this.#options;
    this.#addresses = {
      ...this.#addresses,
      tcp: tcp === "off" ? undefined : await this.#tcp?.listen(tcp),
      grpc: grpc === "off" ? undefined : await this.#grpc?.listen(grpc),
    };
    if (this.#http !== undefined) this.#http.entrance.unavailable = undefined;
    this.#sweeper = setInterval(() => this.#sweep(), this.#sweepEvery).unref();
  }

  /** Takes what has changed of the options, and ends the connections of users who may no longer be here. */
  reload({ allowOrigin, allowHost, maxConnectionsPerAddress, users }: BrokerOptions): void {
    this.#context.access.reload(users);
    this.#forEach((connection) => connection.recheck());
    this.shares.maxPerAddress = maxConnectionsPerAddress;
    this.#httpDoors?.allow({ allowOrigin, allowHost });
  }

  /** Connections that come from now on are shown these certificates. Ports that had none still have none. */
  renew({ tcp, http, grpc }: Certificates): void {
    if (tcp !== undefined) this.#tcp?.renew(tcp);
    if (http !== undefined) this.#http?.renew(http);
    if (grpc !== undefined) this.#grpc?.renew(grpc);
  }

  /** Takes no more connections, tells those that are there to go, and waits up to `timeout` until they are done. */
  async goodbye(timeout: number): Promise<void> {
    clearInterval(this.#sweeper);
    this.#tcp?.close();
    this.#http?.entrance.stop(STOPPING);
    this.#grpc?.closePort();
    this.#forEach((connection) => connection.goodbye());
    await this.#untilQuiet(Math.min(GOODBYE_GRACE, timeout));
    if (this.#http !== undefined) this.#http.entrance.unavailable = STOPPING;
  }

  /** Answers what is left to be answered, and closes: what is not closed after `timeout` is cut off. */
  async close(timeout: () => number): Promise<void> {
    this.#forEach((connection) => connection.shutDown());
    while (this.#connections.size > 0 && timeout() > 0) await delay(CLOSE_LOOK);
    this.#forEach((connection) => connection.destroy());
    // What a client has popped with auto-ack is nowhere but in its answer.
    const lingers = performance.now() + LINGER;
    while (this.#http?.isSending && timeout() > 0 && performance.now() < lingers) await delay(CLOSE_LOOK);
    this.#http?.close();
    await this.#grpc?.close(timeout());
  }

  /** Ends the port of the metrics, after all else. */
  closeMetrics(): void {
    this.#metrics?.close();
  }

  /** How the event loop of the gRPC thread does; undefined: there is none. */
  get grpcLoop(): Pick<GrpcPort, "busySeconds" | "lagSeconds"> | undefined {
    return this.#grpc;
  }

  /** A shard has lost all that it knew of connections. */
  shardLost(shard: number, kind: LossKind): void {
    this.#forEach((connection) => connection.shardLost(shard, kind));
  }

  get httpPaths(): readonly HttpPath[] {
    return this.#http?.entrance.paths ?? [];
  }

  get webSocketPaths(): ReadonlySet<string> {
    return this.#http?.entrance.webSockets ?? new Set();
  }

  /** What clients take up now: all 0 when there are none. */
  get usage(): Usage {
    const { assembly, waiting, unsent, calls: desk } = this.#context;
    return {
      connections: this.#connections.all,
      sessions: this.#sessions.size,
      httpSessions: this.#httpSessions.size,
      sockets: this.#allSockets,
      addresses: this.shares.size,
      assemblyBytes: assembly.used,
      waitingBytes: waiting.bytes,
      unsentBytes: unsent.total,
      calls: desk.calls.size,
      callBytes: desk.calls.waitingBytes,
      responders: desk.calls.responders,
    };
  }

  // ConnectionHost: what listeners need to let connections in.

  get isFull(): boolean {
    return this.#sockets >= this.#options.maxConnections;
  }

  get isScarce(): boolean {
    return this.#sockets > this.#options.maxConnections / 2;
  }

  get isCrowded(): boolean {
    return this.#allSockets > this.#maxSockets;
  }

  get isOverLimit(): boolean {
    if (this.isCrowded) return true;
    const { maxConnections } = this.#options;
    if ((this.#http?.plain ?? 0) > maxConnections * PLAIN_SHARE && maxConnections >= MIN_SHARED_CONNECTIONS)
      return true;
    return this.#sockets > maxConnections + MAX_EXCESS;
  }

  /** What counts towards `maxConnections`. */
  get #sockets(): number {
    const { size } = this.#connections;
    return size + (this.#tcp?.waiting ?? 0) + (this.#http?.plain ?? 0) + (this.#grpc?.sockets ?? 0);
  }

  /** Those that have a descriptor. */
  get #allSockets(): number {
    return (this.#tcp?.sockets ?? 0) + (this.#http?.sockets ?? 0) + (this.#grpc?.sockets ?? 0);
  }

  reserve(bytes: number): boolean {
    return this.#context.assembly.reserve(bytes);
  }

  release(bytes: number): void {
    this.#context.assembly.release(bytes);
  }

  acceptFailed(error: Error): void {
    this.#descriptors.acceptFailed(error);
  }

  open(transport: Transport, kind: ConnectionKind): NativeConnection {
    const connection = this.#makeConnection(this.#connections.nextId(), transport, this.#context, kind);
    this.#connections.add(connection, performance.now());
    return connection;
  }

  openSession(kind: SessionKind, client: SessionClient): Session {
    return this.#openSession(kind, client, true);
  }

  #openSession(kind: SessionKind, client: SessionClient, isCounted: boolean): Session {
    return this.#sessions.open(kind, client, (transport: Transport, side: SessionSide) => {
      const its = { session: side, credential: kind.identity.credential, isTrusted: kind.isTrusted };
      const connection = this.#makeConnection(this.#connections.nextId(), transport, this.#context, its);
      this.#connections.addSession(connection, isCounted);
      return connection;
    });
  }

  /** Until all connections have gone, or nothing more comes from those that are left and nothing is owed to them. */
  async #untilQuiet(timeout: number): Promise<void> {
    const deadline = performance.now() + timeout;
    let quiet = 0;
    while (this.#connections.size > 0 && quiet < QUIET_LOOKS && performance.now() < deadline) {
      for (const connection of this.#connections.values()) connection.isActive = false;
      await delay(CLOSE_LOOK);
      const isBusy = this.#connections.values().some(({ isActive, inFlight }) => isActive || inFlight > 0);
      quiet = isBusy ? 0 : quiet + 1;
    }
  }

  /** An error of one connection does not keep the others from being told. */
  #forEach(tell: (connection: NativeConnection) => void): void {
    for (const connection of this.#connections.values()) {
      try {
        tell(connection);
      } catch (error) {
        contain(this.#options.log, `the connection of ${connection.peer}`, error, () => connection.destroy());
      }
    }
  }

  #sweep(): void {
    const now = performance.now();
    this.#connections.expire(now);
    this.#tcp?.expire(now);
    this.#descriptors.look();
    this.#context.unsent.refresh();
    this.#forEach((connection) => connection.sweep(now));
    this.#sessions.sweep(now);
    this.#httpSessions.sweep();
    this.#httpDoors?.sweep();
    this.#sweeps++;
    if (this.#sweeps % TRIM_EVERY === 0) this.#forEach((connection) => connection.trim());
  }
}
