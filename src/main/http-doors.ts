/** All that the HTTP port of a broker answers, and who may ask there. */
import type { Access } from "./access/access.js";
import { BrokerConsole } from "./console/broker-console.js";
import { ConsoleSite } from "./console/console-site.js";
import { pageFiles } from "./console/page-files.js";
import { failure } from "./front-ends/gmq/http/envelope.js";
import { installGmqHttp } from "./front-ends/gmq/http/index.js";
import { turnedAway } from "./front-ends/memmq/http/answer.js";
import { installMemmqHttp } from "./front-ends/memmq/http/index.js";
import { SessionChannels } from "./front-ends/memmq/session-channels.js";
import { installOperatorHttp } from "./front-ends/operator/index.js";
import { type Health, STARTING } from "./metrics/health.js";
import { installHealth, installMetrics } from "./metrics/routes.js";
import type { Samples } from "./metrics/samples.js";
import type { SessionHost } from "./native/sessions.js";
import type { WaitingInput } from "./native/waiting-input.js";
import { installOpenApi } from "./openapi/route.js";
import type { Address, BrokerOptions } from "./options.js";
import type { Certificate } from "./ports/certificate.js";
import type { ConnectionHost } from "./ports/connection-host.js";
import { identify } from "./ports/http/caller.js";
import type { HttpEngineFactory } from "./ports/http/engine.js";
import { type Allowed, HttpGuard } from "./ports/http/guard.js";
import { HttpListener, type NativeDoor } from "./ports/http/listener.js";
import type { HttpSessions } from "./ports/http/sessions.js";

/** Who a request is of. */
type Identify = NonNullable<NativeDoor["identify"]>;

export interface HttpDoorsParts {
  readonly options: BrokerOptions;
  /** Where the port is to listen. */
  readonly address: Address;
  readonly host: ConnectionHost & SessionHost;
  readonly makeEngine: HttpEngineFactory;
  readonly certificate: Certificate | undefined;
  readonly access: Access;
  readonly sessions: HttpSessions;
  readonly waiting: WaitingInput;
  readonly health: Pick<Health, "hindrance">;
  /** Called for each scrape. */
  readonly samples: () => Samples;
  /** The directory of the console's files. Undefined: the broker's own. */
  readonly page: URL | undefined;
}

export class HttpDoors {
  /** It listens nowhere yet, and is not available before it is told so. */
  readonly listener: HttpListener;
  readonly #guard: HttpGuard;
  /** Undefined: there is none. */
  readonly #console: { sweep(): void } | undefined;

  constructor(parts: HttpDoorsParts) {
    const { options, address, host, makeEngine, certificate, access, sessions, waiting, health, samples } = parts;
    const { allowOrigin, allowHost, maxMessageBytes, shards, log } = options;
    this.#guard = new HttpGuard({ listensOn: address.host, allowOrigin, allowHost });
    this.listener = new HttpListener(
      host,
      this.#guard,
      log,
      (engineHost) => makeEngine(engineHost, certificate),
      failure,
      access,
    );
    const shown: Identify = (request, response) => (access.isOn ? identify(access, request, response) : undefined);
    this.listener.addNative(host, { path: "/mq", identify: shown });
    const { entrance } = this.listener;
    installGmqHttp(entrance, sessions, { shards, maxMessageBytes });
    installOperatorHttp(entrance, sessions);
    installMemmqHttp(entrance, {
      channels: new SessionChannels(sessions, host),
      waiting,
      limits: options,
      log,
      refusal: turnedAway,
    });
    installHealth(entrance, health);
    if (options.metricsAddress === undefined) installMetrics(entrance, samples);
    if (options.openapi) installOpenApi(entrance, { maxMessageBytes, shards });
    if (options.console) this.#console = this.#addConsole(parts, shown);
    entrance.unavailable = STARTING;
  }

  /** In place of what was allowed before. */
  allow(allowed: Allowed): void {
    this.#guard.allow(allowed);
  }

  /** Once a second. */
  sweep(): void {
    this.#console?.sweep();
  }

  #addConsole({ host, certificate, access, page }: HttpDoorsParts, shown: Identify): ConsoleSite<unknown> {
    const site = new ConsoleSite(
      this.listener.entrance,
      pageFiles(page),
      new BrokerConsole(access, certificate !== undefined),
    );
    this.listener.addNative(host, {
      path: "/console/mq",
      reach: "own",
      identify: (request, response) => (access.isOn ? site.who(request) : undefined) ?? shown(request, response),
    });
    return site;
  }
}
