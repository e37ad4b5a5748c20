/**
 * A server as requests and WebSockets are told of it.
 */
import { isIP } from "node:net";
import { type ConnectionOptions, createSecureContext } from "node:tls";
import { plainHost, type Server } from "../../servers/server.js";
import type { LinkOptions } from "../link.js";

export class HttpTarget {
  readonly url: string;
  readonly options: LinkOptions;
  /** What a request's path begins with: empty, or a path. */
  readonly prefix: string;
  /** For the header Host. */
  readonly authority: string;
  /** Empty for http://. */
  readonly tls: ConnectionOptions;
  readonly isTls: boolean;
  readonly host: string;
  readonly port: number;

  constructor({ url, host }: Server, options: LinkOptions) {
    const parsed = new URL(url);
    this.url = url;
    this.options = options;
    this.prefix = parsed.pathname.replace(/\/+$/, "");
    this.authority = parsed.host;
    this.isTls = parsed.protocol === "https:";
    this.host = plainHost(parsed);
    this.port = Number(parsed.port) || (this.isTls ? 443 : 80);
    this.tls = this.isTls ? tlsOptions(host, options) : {};
  }

  /** `/pub` or `/sub` of a topic. `more` begins with &, or is empty. */
  path(name: "pub" | "sub", topic: string, more: string): string {
    return `${this.prefix}/${name}?topic=${encodeURIComponent(topic)}${more}`;
  }
}

const tlsOptions = (host: string, { ca, insecure }: LinkOptions): ConnectionOptions => ({
  // Made once: it takes a millisecond.
  secureContext: createSecureContext({ minVersion: "TLSv1.2", ...(ca !== undefined && { ca: [...ca] }) }),
  rejectUnauthorized: !insecure,
  // A certificate is for the name that the program gave, whatever address it stands for.
  ...(isIP(host) === 0 && { servername: host }),
});
