/** The composition root: puts the parts of the main thread together, and takes them apart in order. */
import { setTimeout as delay } from "node:timers/promises";
import { CloseError } from "./close-error.js";
import { Backups } from "./data/backup.js";
import { Data } from "./data/data.js";
import { failure } from "./front-ends/gmq/http/envelope.js";
import { installGmqHttp } from "./front-ends/gmq/http/index.js";
import { AssemblyMemory } from "./native/assembly.js";
import { guard } from "./native/boundary.js";
import { NativeConnection, type Switchboard } from "./native/connection.js";
import type { ConnectionHost } from "./native/connection-host.js";
import { ConnectionTable } from "./native/connection-table.js";
import { Gateway } from "./native/gateway.js";
import { helloHead } from "./native/handshake.js";
import { OutboxDrain } from "./native/outbox-drain.js";
import { OutputPool } from "./native/output-pool.js";
import type { Transport } from "./native/transport.js";
import { UnsentBudget } from "./native/unsent-budget.js";
import { WaitingInput } from "./native/waiting-input.js";
import { type Address, type BrokerOptions, MIN_SHARED_CONNECTIONS, resolveOptions } from "./options.js";
import { AddressShares } from "./ports/address-shares.js";
import { DescriptorWatch } from "./ports/descriptor-watch.js";
import type { HttpEngineFactory } from "./ports/http/engine.js";
import { findHttpEngine } from "./ports/http/find-engine.js";
import { HttpGuard } from "./ports/http/guard.js";
import { HttpListener } from "./ports/http/listener.js";
import { nativeFrontEnd } from "./ports/native-front-end.js";
import { TcpListener } from "./ports/tcp-listener.js";
import { LINGER } from "./ports/tcp-transport.js";
import { findRoom } from "./shards/descriptors.js";
import { JobPool, POOL_THREADS } from "./shards/job-pool.js";
import { Router } from "./shards/router.js";
import type { LossKind } from "./shards/shard-loss.js";
import { startShards } from "./shards/start-up.js";
import { Supervisor, type SupervisorSeams } from "./shards/supervisor.js";

/** How often silent connections are looked for, and memory of busier times given back. */
const SWEEP_EVERY = 1_000;
const TRIM_EVERY = 10;

/** How long clients that have heard GOODBYE may go on; they are done when this many looks found nothing under way. */
const GOODBYE_GRACE = 1_000;
const QUIET_LOOKS = 5;
const CLOSE_LOOK = 20;

/** Sockets past maxConnections that HTTP may have: which of them wants to be a WebSocket, and is refused, shows later. */
const MAX_EXCESS = 100;

/**
 * Of the connections, those that plain HTTP may have. Whose such a socket was is not told when it goes, so that addresses
 * cannot have shares of their own.
 */
const PLAIN_SHARE = 0.3;

/** Unanswered requests of all HTTP connections together: several for each of as many as there may be of others. */
const OWN_IN_FLIGHT = 65_536;

/** A broker that runs. */
export interface Broker {
  /** Where it listens; undefined for what is off. */
  readonly addresses: { readonly tcp: Address | undefined; readonly http: Address | undefined };
  readonly options: BrokerOptions;
  /**
   * Stops: takes no more connections, tells those that are there to go, finishes what has been received, ends. Takes
   * at most about `closeTimeout`. Calling it again gives the same promise.
   *
   * @throws CloseError when a shard had to be cut off, or could not end its journal; all is released in spite of that.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export class RunningBroker implements Broker, ConnectionHost {
  readonly supervisor: Supervisor;
  readonly pool: JobPool;
  readonly connections: ConnectionTable;
  readonly shares: AddressShares;
  readonly #board: Switchboard;
  readonly #tcp: TcpListener | undefined;
  readonly #http: HttpListener | undefined;
  readonly #gateway: NativeConnection | undefined;
  #addresses: Broker["addresses"] = { tcp: undefined, http: undefined };
  readonly #seams: SupervisorSeams;
  readonly #backups: Backups;
  readonly #descriptors: DescriptorWatch;
  /** Undefined: nothing is on disk. */
  #data: Data | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #sweeps = 0;
  #closing: Promise<void> | undefined;

  /** Listens nowhere yet: see `start`. */
  constructor(
    readonly options: BrokerOptions,
    router: Router,
    seams: SupervisorSeams,
    /** That there are descriptors for, at any time. */
    readonly maxSockets: number,
    /** Undefined: HTTP is off. */
    makeHttpEngine: HttpEngineFactory | undefined,
  ) {
    this.#seams = seams;
    this.pool = new JobPool(options.log);
    const { maxConnections, helloTimeout, maxFrameBytes, maxMessageBytes, shards, log } = options;
    this.connections = new ConnectionTable(maxConnections, helloTimeout);
    this.shares = new AddressShares(options.maxConnectionsPerAddress);
    const deliveries = new OutboxDrain((id) => this.connections.get(id), log);
    const lost = (shard: number, kind: LossKind): void => this.#shardLost(shard, kind);
    this.supervisor = new Supervisor(options, this.pool, deliveries, lost, seams);
    const { supervisor } = this;
    this.#backups = new Backups(options, supervisor, this.pool);
    this.#board = {
      options,
      router,
      links: supervisor.links,
      down: supervisor.down,
      assembly: new AssemblyMemory(options.maxAssemblyBytes),
      pool: new OutputPool(),
      unsent: new UnsentBudget(options.maxUnsentBytes, log),
      waiting: new WaitingInput(options.maxAssemblyBytes),
      get isClosing() {
        return supervisor.isStopping;
      },
      hello: helloHead(options),
      greeted: (connection) => this.connections.greeted(connection),
      backup: (connection, directory) => this.#backups.run(connection, directory),
      closed: (connection) => this.connections.remove(connection),
    };
    if (options.tcp !== "off") this.#tcp = new TcpListener(this, [nativeFrontEnd(this, log)], helloTimeout, log);
    if (options.http !== "off" && makeHttpEngine !== undefined) {
      const gateway = new Gateway((transport) => this.#openOwn(transport), maxFrameBytes, log);
      this.#gateway = gateway.connection;
      const { allowOrigin, allowHost, http } = options;
      const httpGuard = new HttpGuard({ listensOn: http.host, allowOrigin, allowHost });
      this.#http = new HttpListener(this, httpGuard, log, makeHttpEngine, failure);
      installGmqHttp(this.#http.entrance, gateway, { shards, maxMessageBytes });
    }
    const ports = [this.#tcp, this.#http].filter((port) => port !== undefined);
    this.#descriptors = new DescriptorWatch(ports, log);
  }

  get addresses(): Broker["addresses"] {
    return this.#addresses;
  }

  get isFull(): boolean {
    return this.#sockets >= this.options.maxConnections;
  }

  get isCrowded(): boolean {
    return (this.#tcp?.sockets ?? 0) + (this.#http?.sockets ?? 0) > this.maxSockets;
  }

  get isOverLimit(): boolean {
    if (this.isCrowded) return true;
    const { maxConnections } = this.options;
    if ((this.#http?.plain ?? 0) > maxConnections * PLAIN_SHARE && maxConnections >= MIN_SHARED_CONNECTIONS)
      return true;
    return this.#sockets > maxConnections + MAX_EXCESS;
  }

  get #sockets(): number {
    return this.connections.size + (this.#tcp?.waiting ?? 0) + (this.#http?.plain ?? 0);
  }

  reserve(bytes: number): boolean {
    return this.#board.assembly.reserve(bytes);
  }

  release(bytes: number): void {
    this.#board.assembly.release(bytes);
  }

  acceptFailed(error: Error): void {
    this.#descriptors.acceptFailed(error);
  }

  open(transport: Transport): NativeConnection {
    const connection = new NativeConnection(this.connections.nextId(), transport, this.#board);
    this.connections.add(connection, performance.now());
    return connection;
  }

  /**
   * Locks the data directory, starts the shards, then listens.
   *
   * @throws StartError when the data directory or a journal in it cannot be used; ListenError when an address cannot be had.
   */
  async start(): Promise<void> {
    const { tcp, http, data, durability, log } = this.options;
    try {
      if (durability !== "memory") {
        log.info({ data, durability }, "messages are kept in the data directory");
        this.#data = await Data.open(this.options, this.pool);
      }
      await startShards(this.options, this.supervisor, this.pool, this.#data, this.#seams.leastVerifiedBytes);
      this.#addresses = {
        tcp: tcp === "off" ? undefined : await this.#tcp?.listen(tcp),
        http: http === "off" ? undefined : await this.#http?.listen(http),
      };
    } catch (error) {
      // What could not start may not stop in order either: the first error is the one that tells what to do.
      await Promise.allSettled([this.close()]);
      throw error;
    }
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_EVERY);
    this.#sweeper.unref();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const deadline = performance.now() + this.options.closeTimeout;
    const left = (): number => Math.max(0, deadline - performance.now());
    clearInterval(this.#sweeper);
    this.#tcp?.close();
    this.#http?.closePort();
    this.#forEach((connection) => connection.goodbye());
    await this.#untilQuiet(Math.min(GOODBYE_GRACE, left()));
    const disorderly = await this.supervisor.stop(Math.max(0, left() - LINGER));
    this.#gateway?.shutDown();
    this.#forEach((connection) => connection.shutDown());
    while (this.connections.size > 0 && left() > 0) await delay(CLOSE_LOOK);
    this.#forEach((connection) => connection.destroy());
    this.#http?.close();
    await this.pool.close();
    await this.#backups.settled();
    // Nothing of this broker writes any more. If a thread is left behind the lock goes with the process.
    if (!this.supervisor.isAlive) this.#data?.close();
    if (disorderly.length > 0) throw new CloseError(disorderly);
  }

  /** Until all connections have gone, or nothing more comes from those that are left and nothing is owed to them. */
  async #untilQuiet(timeout: number): Promise<void> {
    const deadline = performance.now() + timeout;
    let quiet = 0;
    while (this.connections.size > 0 && quiet < QUIET_LOOKS && performance.now() < deadline) {
      for (const connection of this.connections.values()) connection.isActive = false;
      await delay(CLOSE_LOOK);
      const isBusy = this.connections.values().some(({ isActive, inFlight }) => isActive || inFlight > 0);
      quiet = isBusy ? 0 : quiet + 1;
    }
  }

  /** The connection of the front ends on this thread. */
  #openOwn(transport: Transport): NativeConnection {
    const connection = new NativeConnection(this.connections.nextId(), transport, this.#board, {
      isOwn: true,
      isGreeted: true,
      maxInFlight: OWN_IN_FLIGHT,
    });
    this.connections.addOwn(connection);
    return connection;
  }

  #shardLost(shard: number, kind: LossKind): void {
    this.#gateway?.shardLost(shard, kind);
    this.#forEach((connection) => connection.shardLost(shard, kind));
  }

  /** What one connection cannot take is not to keep the others from it. */
  #forEach(tell: (connection: NativeConnection) => void): void {
    const { log } = this.options;
    for (const connection of this.connections.values()) {
      guard(
        log,
        `the connection of ${connection.peer}`,
        () => tell(connection),
        () => connection.destroy(),
      );
    }
  }

  #sweep(): void {
    const now = performance.now();
    this.connections.expire(now);
    this.#tcp?.expire(now);
    this.#descriptors.look();
    this.#board.unsent.refresh();
    this.#forEach((connection) => connection.sweep(now));
    this.#sweeps++;
    if (this.#sweeps % TRIM_EVERY === 0) this.#forEach((connection) => connection.trim());
  }
}

/**
 * Starts a broker. `options` over the defaults of `BrokerOptions`; `seams` are for tests.
 *
 * @throws RangeError for an option out of its range; StartError when the data directory or a journal in it cannot be
 * used, or the process may have too few files open; ListenError when an address cannot be had.
 */
export const startBroker = async (
  options: Partial<BrokerOptions> = {},
  seams: SupervisorSeams = {},
): Promise<RunningBroker> => {
  const resolved = resolveOptions(options);
  const { connections, sockets } = findRoom(resolved, POOL_THREADS);
  // The shares of addresses follow.
  const isBounded = connections < resolved.maxConnections;
  const effective = isBounded ? resolveOptions({ ...options, maxConnections: connections }) : resolved;
  const { http, httpEngine, log, shards } = effective;
  const makeHttpEngine = http === "off" ? undefined : await findHttpEngine(httpEngine, log);
  const broker = new RunningBroker(effective, await Router.create(shards), seams, sockets, makeHttpEngine);
  await broker.start();
  return broker;
};
