/**
 * The client of memmq's servers, and of ringmq's, which speak memmq's protocols as well.
 */

import { reasonOf } from "../client/arguments/argument-checks.js";
import { type Deferred, deferred } from "../client/base/deferred.js";
import { localError, RingmqError } from "../client/base/error.js";
import { readBody } from "../client/publish/body.js";
import type { Server } from "../servers/server.js";
import { ServerList } from "../servers/server-list.js";
import { checkTopic, type ReadOptions, readPublish, readSubscribe } from "./client-checks.js";
import { connectFailure } from "./failure.js";
import type { Link, Outgoing } from "./link.js";
import type { PublishOptions, ServerStatus, SubscribeOptions } from "./options.js";
import { PublishError, type ServerFailure } from "./publish-error.js";
import { clientClosed } from "./publish-lane.js";
import { ServerPublisher } from "./server-publisher.js";
import { Subscription } from "./subscription.js";
import type { Trail } from "./trail.js";

/** What a publish takes of `maxPendingBytes` beside its payload. */
const PUBLISH_BYTES = 256;

interface Known {
  readonly link: Link;
  readonly publisher: ServerPublisher;
}

export class MemmqClient {
  readonly #options: ReadOptions;
  readonly #open: (server: Server) => Link;
  readonly #list: ServerList;
  readonly #known = new Map<string, Known>();
  readonly #subscriptions = new Set<Subscription>();
  #servers: readonly string[] = [];
  #byUrl: ReadonlyMap<string, Server> = new Map();
  /** Publishes that wait, in their order, for the names to be looked up once. Undefined: they have been. */
  #waiting: (() => void)[] | undefined = [];
  #listError: RingmqError | undefined;
  #pendingBytes = 0;
  #room: Deferred<void> | undefined;
  #isClosed = false;

  /** @internal */
  constructor(options: ReadOptions, open: (server: Server) => Link) {
    this.#options = options;
    this.#open = open;
    this.#list = new ServerList(options.servers, options.resolver, {
      changed: (servers) => this.#changed(servers),
      failed: (name, error) => this.#lookupFailed(name, error),
    });
    void this.#list.start().then(() => {
      const waiting = this.#waiting ?? [];
      this.#waiting = undefined;
      for (const send of waiting) send();
    });
  }

  /**
   * What it says to its servers of the proxy that it is of.
   *
   * @internal
   */
  get trail(): Trail {
    return this.#options.link.trail;
  }

  /** The URLs of the servers as they are listed now, in their order. */
  get servers(): readonly string[] {
    return this.#servers;
  }

  /** The URLs of those that have a topic, as the selector names them now. */
  serversOf(topic: string): readonly string[] {
    checkTopic(topic);
    return this.#select(topic);
  }

  /**
   * Publishes a message: to every server that the selector names. Resolves when all of them have taken it. Rejects with a
   * PublishError when one has not, after 1 + `retries` tries, which tells those that have; with CLIENT_BUSY, and nothing
   * sent, when `maxPendingBytes` are on their way; and with CLIENT_CLOSED.
   *
   * Messages of a topic arrive in the order of the calls; nobody needs to await one before the next.
   */
  publish(topic: string, payload: Uint8Array | string, options?: PublishOptions): Promise<void> {
    try {
      checkTopic(topic);
      const key = readPublish(options);
      const body = readBody(() => "payload", payload);
      // The program may use its buffer again as soon as this returns.
      return this.#publish({ topic, key, payload: Buffer.from(body) });
    } catch (error) {
      return Promise.reject(error instanceof RingmqError ? error : connectFailure("the servers", error));
    }
  }

  /** Resolves when there is room for publishes, after CLIENT_BUSY. */
  ready(): Promise<void> {
    if (this.#isClosed || this.#pendingBytes <= this.#options.maxPendingBytes / 2) return Promise.resolve();
    this.#room ??= deferred();
    return this.#room.promise;
  }

  /**
   * Subscribes on every server that the selector names, now and whenever the list of servers changes. Throws BAD_ARGUMENT
   * and CLIENT_CLOSED.
   */
  subscribe(topic: string, options: SubscribeOptions = {}): Subscription {
    const request = readSubscribe(topic, options);
    if (this.#isClosed) throw clientClosed();
    const subscription = new Subscription(request, {
      link: (server) => this.#at(server).link,
      status: (status) => this.#tell(status),
      tries: 1 + this.#options.retries,
      left: (left) => this.#subscriptions.delete(left),
    });
    this.#subscriptions.add(subscription);
    if (this.#servers.length > 0) subscription.follow(this.#select(topic));
    return subscription;
  }

  /** Ends a subscription, or all of a topic. What has come can still be read. */
  unsubscribe(which: Subscription | string): void {
    for (const subscription of [...this.#subscriptions]) {
      if (subscription === which || subscription.topic === which) subscription.stop();
    }
  }

  /** Ends all subscriptions; publishes that are not answered get CLIENT_CLOSED. To lose none, await them before. */
  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#list.close();
      for (const subscription of [...this.#subscriptions]) subscription.stop();
      for (const { publisher } of this.#known.values()) publisher.close();
      this.#known.clear();
      this.#room?.resolve();
    }
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #publish(publish: Outgoing): Promise<void> {
    if (this.#isClosed) return Promise.reject(clientClosed());
    const size = publish.payload.length + PUBLISH_BYTES;
    const { maxPendingBytes } = this.#options;
    if (this.#pendingBytes > 0 && this.#pendingBytes + size > maxPendingBytes) {
      const text = `${maxPendingBytes} bytes are on their way already; wait for client.ready()`;
      return Promise.reject(localError("CLIENT_BUSY", text));
    }
    this.#pendingBytes += size;
    return new Promise((resolve, reject) => {
      const settle = (error?: Error): void => {
        this.#pendingBytes -= size;
        this.#makeRoom();
        if (error === undefined) resolve();
        else reject(error);
      };
      if (this.#waiting === undefined) this.#send(publish, settle);
      else this.#waiting.push(() => this.#send(publish, settle));
    });
  }

  #send(publish: Outgoing, settle: (error?: Error) => void): void {
    if (this.#isClosed) return settle(clientClosed());
    const servers = this.#select(publish.topic);
    if (servers.length === 0) {
      return settle(this.#listError ?? localError("CONNECT_FAILED", "the selector names no server"));
    }
    const taken: string[] = [];
    const failures: ServerFailure[] = [];
    for (const server of servers) {
      this.#at(server).publisher.publish(publish, (error) => {
        if (error === undefined) taken.push(server);
        else failures.push({ server, error });
        if (taken.length + failures.length < servers.length) return;
        const [first, ...rest] = failures;
        settle(first && new PublishError(taken, [first, ...rest]));
      });
    }
  }

  #makeRoom(): void {
    if (this.#room === undefined || this.#pendingBytes > this.#options.maxPendingBytes / 2) return;
    this.#room.resolve();
    this.#room = undefined;
  }

  /** A selector of the program may name others than there are. */
  #select(topic: string): readonly string[] {
    return this.#options.selector(topic, this.#servers).filter((url) => this.#byUrl.has(url));
  }

  #at(url: string): Known {
    let known = this.#known.get(url);
    if (known === undefined) {
      const server = this.#byUrl.get(url);
      if (server === undefined) throw new Error(`${url} is no server of this client`);
      const link = this.#open(server);
      known = { link, publisher: new ServerPublisher(link, this.#options.retries) };
      this.#known.set(url, known);
    }
    return known;
  }

  #changed(servers: readonly Server[]): void {
    this.#byUrl = new Map(servers.map((server) => [server.url, server]));
    this.#servers = servers.map(({ url }) => url);
    this.#listError = undefined;
    for (const subscription of [...this.#subscriptions]) subscription.follow(this.#select(subscription.topic));
    for (const [url, { publisher }] of [...this.#known]) {
      if (this.#byUrl.has(url)) continue;
      this.#known.delete(url);
      publisher.retire();
    }
    this.#tell({ type: "listed", servers: this.#servers });
  }

  #lookupFailed(name: string, cause: unknown): void {
    const error = localError("CONNECT_FAILED", `${name} cannot be looked up: ${reasonOf(cause)}`, cause);
    this.#listError = error;
    for (const subscription of this.#subscriptions) subscription.unlisted(error);
    this.#tell({ type: "list-failed", name, error });
  }

  /** In a microtask: what the program does then must not meet half a change. Its errors are not ours. */
  #tell(status: ServerStatus): void {
    const { onStatus } = this.#options;
    if (onStatus === undefined) return;
    queueMicrotask(() => {
      try {
        onStatus(status);
      } catch (error) {
        console.error("ringmq/memmq: onStatus failed:", error);
      }
    });
  }
}
