/**
 * Who may ask over HTTP, told by the headers alone. A browser sends what any page wants it to send, to this machine as
 * well; it says in `Origin` and `Sec-Fetch-Site` for whom. A page whose own name was made to lead here (DNS rebinding)
 * shows in `Host`. Programs send neither and notice nothing.
 *
 * Requests about whose end two readers may disagree are refused as well: what one takes for a body is to the other the
 * next request.
 */

import { isIP, isIPv4, isIPv6 } from "node:net";
import { isLoopback } from "../../../protocol/loopback.js";
import type { HttpRequest } from "./engine.js";

export interface Allowed {
  /** Origins beside the broker's own, in lower case; `*` is any. */
  readonly allowOrigin: readonly string[];
  /** Names beside `localhost` and addresses by which the broker may be called, in lower case. */
  readonly allowHost: readonly string[];
}

/** Which pages a path answers, beside programs and pages of the broker's own origin. */
export type Reach =
  /** Those that `allowOrigin` names. */
  | "named"
  /** None, whatever `allowOrigin` says. */
  | "own"
  /** None either, but a link of any page may lead here: the path is that of a page, which shows nothing by itself. */
  | "linked";

export interface HttpGuardOptions extends Allowed {
  /** Where the port listens: `Host` is looked at on loopback alone, unless `allowHost` has names. */
  readonly listensOn: string;
}

/** Undefined: a program, or a page of the broker's own origin. */
export type Verdict =
  | { readonly kind: "malformed"; readonly text: string }
  | { readonly kind: "foreign"; readonly text: string }
  /** A page that may; `origin` is what the answer has to say in `Access-Control-Allow-Origin`. */
  | { readonly kind: "allowed"; readonly origin: string }
  | undefined;

const malformed = (text: string): Verdict => ({ kind: "malformed", text });

const TWO_LENGTHS = malformed("the request has two different Content-Length headers");
const BAD_LENGTH = malformed("Content-Length is not a number");
const BAD_ENCODING = malformed("the only Transfer-Encoding that is understood is chunked, once");
const TWO_ENDS = malformed("the request has both Content-Length and Transfer-Encoding");
const TWO_HOSTS = malformed("the request has two Host headers");

const FOREIGN_SITE: Verdict = {
  kind: "foreign",
  text: "a page of another site asked for this; start the broker with --allow-origin to let pages of other sites in",
};

export class HttpGuard {
  readonly #listensOn: string;
  #origins: ReadonlySet<string> = new Set();
  #hosts: ReadonlySet<string> = new Set();
  #allowsAll = false;
  #checksHost = true;
  /** Of the request that is looked at; undefined: not there. What is not ASCII uWebSockets.js shows as empty. */
  #host: string | undefined;
  #origin: string | undefined;
  #site: string | undefined;
  #destination: string | undefined;
  #length: string | undefined;
  #encoding: string | undefined;
  #fault: Verdict;
  /** Nearly every request names the same host as the one before it. */
  #lastHost = "";
  #lastIsOwn = false;

  constructor({ listensOn, ...allowed }: HttpGuardOptions) {
    this.#listensOn = listensOn;
    this.allow(allowed);
  }

  /** In place of what was allowed before. */
  allow({ allowOrigin, allowHost }: Allowed): void {
    this.#origins = new Set(allowOrigin);
    this.#allowsAll = this.#origins.has("*");
    this.#hosts = new Set(allowHost);
    this.#checksHost = allowHost.length > 0 || isLoopback(this.#listensOn);
    this.#lastHost = "";
    this.#lastIsOwn = false;
  }

  check(request: Pick<HttpRequest, "eachHeader">, reach: Reach = "named"): Verdict {
    this.#host = undefined;
    this.#origin = undefined;
    this.#site = undefined;
    this.#destination = undefined;
    this.#length = undefined;
    this.#encoding = undefined;
    this.#fault = undefined;
    // All of them: asking for one by name shows the first and hides that there is a second.
    request.eachHeader(this.#note);
    if (this.#fault !== undefined) return this.#fault;
    if (this.#length !== undefined && this.#encoding !== undefined) return TWO_ENDS;
    const host = this.#host ?? "";
    if (this.#checksHost && !this.#isOwnName(host)) return foreignHost(host);
    if (this.#origin !== undefined) return this.#checkOrigin(this.#origin, host, reach);
    // An <img> or a link of another site sends no origin; one of another port of this machine counts as the same site.
    const isOwn = this.#site === undefined || this.#site === "none" || this.#site === "same-origin";
    // Not the `iframe` of a page.
    const isLink = reach === "linked" && this.#destination === "document";
    return isOwn || isLink || (this.#allowsAll && reach === "named") ? undefined : FOREIGN_SITE;
  }

  #checkOrigin(origin: string, host: string, reach: Reach): Verdict {
    const lower = origin.toLowerCase();
    if (reach === "named" && this.#allowsAll) return { kind: "allowed", origin: "*" };
    if (reach === "named" && this.#origins.has(lower)) return { kind: "allowed", origin };
    const own = host.toLowerCase();
    const isOwn = own !== "" && (lower === `http://${own}` || lower === `https://${own}`);
    if (!isOwn) return foreignOrigin(origin);
    return this.#site === "cross-site" ? FOREIGN_SITE : undefined;
  }

  #isOwnName(host: string): boolean {
    if (host === this.#lastHost) return this.#lastIsOwn;
    const name = hostName(host);
    this.#lastIsOwn = name !== undefined && (isIP(name) !== 0 || name === "localhost" || this.#hosts.has(name));
    this.#lastHost = host;
    return this.#lastIsOwn;
  }

  readonly #note = (name: string, value: string): void => {
    switch (name) {
      case "host":
        if (this.#host !== undefined) this.#fault = TWO_HOSTS;
        this.#host = value;
        break;
      case "origin":
        // Two of them match no allowed origin.
        this.#origin = this.#origin === undefined ? value : `${this.#origin}, ${value}`;
        break;
      case "sec-fetch-site":
        this.#site = value;
        break;
      case "sec-fetch-dest":
        this.#destination = value;
        break;
      case "content-length":
        if (!/^\d+$/.test(value)) this.#fault = BAD_LENGTH;
        else if (this.#length !== undefined && this.#length !== value) this.#fault = TWO_LENGTHS;
        this.#length = value;
        break;
      case "transfer-encoding":
        if (this.#encoding !== undefined || value.toLowerCase() !== "chunked") this.#fault = BAD_ENCODING;
        this.#encoding = value;
        break;
    }
  };
}

/** The name or address in a `Host`, in lower case, without port and the dot of a full name; undefined when it is none. */
const hostName = (host: string): string | undefined => {
  const [, address, name] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  if (address !== undefined) return isIPv6(address) ? address : undefined;
  if (name === undefined || isIPv4(name)) return name;
  return name.toLowerCase().replace(/\.$/, "");
};

const foreignOrigin = (origin: string): Verdict => ({
  kind: "foreign",
  text: `pages of ${shown(origin)} may not use this broker; start it with --allow-origin ${shown(origin)} to let them`,
});

const foreignHost = (host: string): Verdict => ({
  kind: "foreign",
  text: `this broker is not called ${shown(host)}; start it with --allow-host and that name, or use its address`,
});

/** Longer names are cut in error texts. */
const MAX_SHOWN = 128;

const shown = (text: string): string => (text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
