/** Keeps a proxy from standing behind itself: its messages would go round for ever, and come again and again. */
import type { GrpcServerParts } from "../grpc/server.js";
import { turnedAway } from "../main/front-ends/memmq/http/answer.js";
import type { Log } from "../main/log.js";
import type { HttpRequest } from "../main/ports/http/engine.js";
import type { RefusalBody } from "../main/ports/http/exchange.js";
import { HttpGuard, type Reach, type Verdict } from "../main/ports/http/guard.js";
import { TRAIL, type Trail } from "../memmq-client/trail.js";

const LOOP = "this proxy is among the servers behind it: what it passes on comes back to it; see its --servers";

/** No code of brokers: what is asked of other servers goes on. */
const PROXY_LOOP = "PROXY_LOOP";

/** Milliseconds between two lines of the log. */
const EVERY = 10_000;

/** The JSON of a refusal over HTTP. */
export const refusalBody: RefusalBody = (text, status) =>
  text === LOOP ? JSON.stringify({ code: 403, error: PROXY_LOOP, msg: text }) : turnedAway(text, status);

/** Tells whether a request says that it has been here, and the log if it has. */
const loopWatch = (trail: Trail, log: Log): ((text: string) => boolean) => {
  let next = Number.NEGATIVE_INFINITY;
  return (text) => {
    if (!trail.follow(text)) return false;
    const now = performance.now();
    if (now < next) return true;
    next = now + EVERY;
    log.error({}, LOOP);
    return true;
  };
};

export class LoopGuard extends HttpGuard {
  readonly #isBack: (text: string) => boolean;

  constructor(listensOn: string, trail: Trail, log: Log) {
    super({ listensOn, allowOrigin: [], allowHost: [] });
    this.#isBack = loopWatch(trail, log);
  }

  override check(request: Pick<HttpRequest, "eachHeader">, reach?: Reach): Verdict {
    let isBack = false;
    request.eachHeader((name, value) => {
      if (name === TRAIL && this.#isBack(value)) isBack = true;
    });
    return super.check(request, reach) ?? (isBack ? { kind: "foreign", text: LOOP } : undefined);
  }
}

/** The same for calls of gRPC. */
export const comesBack = (trail: Trail, log: Log): NonNullable<GrpcServerParts["refuse"]> => {
  const isBack = loopWatch(trail, log);
  return (metadata) =>
    isBack(String(metadata.get(TRAIL).at(-1) ?? "")) ? { code: PROXY_LOOP, text: LOOP } : undefined;
};
