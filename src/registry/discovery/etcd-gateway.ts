/**
 * The few calls of etcd that nodes and clients need, as JSON over HTTP: the gateway that every etcd since 3.4 has on its
 * client port. The one client library with a following, etcd3, speaks gRPC, which browsers cannot, and brings four packages
 * along; for six requests `fetch` is enough.
 *
 * Keys and values travel in base64, 64-bit numbers as decimal strings, and what is zero or empty is left out.
 */
import {
  DEFAULT_TIMEOUT,
  type JsonAnswer,
  type RequestOptions,
  requestJson,
  UnreachableError,
} from "./json-request.js";
import { serviceUrl } from "./node-address.js";
import { isObject } from "./node-info.js";

/** etcd has understood a request and says no. */
export class EtcdRefusal extends Error {
  override readonly name = "EtcdRefusal";
}

export class EtcdGateway {
  readonly #endpoints: readonly string[];
  /** The one that answered last is asked first. */
  #current = 0;

  /** @throws RangeError when one of the endpoints is no address, or there is none. */
  constructor(endpoints: readonly string[]) {
    if (endpoints.length === 0) throw new RangeError("etcd needs at least one endpoint");
    this.#endpoints = endpoints.map(serviceUrl);
  }

  /**
   * Asks one endpoint after the other until one answers. They share the time: one that says nothing leaves some to those
   * behind it.
   *
   * @throws EtcdRefusal when etcd refuses the request.
   * @throws UnreachableError when no endpoint answers; the text is about the last.
   */
  async call(path: string, request: object, options: RequestOptions = {}): Promise<Readonly<Record<string, unknown>>> {
    const body = JSON.stringify(request);
    const { signal, timeout = DEFAULT_TIMEOUT } = options;
    const end = performance.now() + timeout;
    let failure = new UnreachableError("no endpoint of etcd answers");
    for (let tries = 0; tries < this.#endpoints.length; tries++) {
      const endpoint = this.#endpoints[this.#current] ?? "";
      const share = Math.max(1, Math.round((end - performance.now()) / (this.#endpoints.length - tries)));
      try {
        return readAnswer(endpoint, await requestJson(endpoint + path, body, { signal, timeout: share }));
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
        failure = error;
        this.#current = (this.#current + 1) % this.#endpoints.length;
      }
    }
    throw failure;
  }
}

/** A member without a leader, or one that is about to stop, answers 5xx: another may do better. */
const readAnswer = (endpoint: string, { status, value }: JsonAnswer): Readonly<Record<string, unknown>> => {
  if (!isObject(value)) throw new UnreachableError(`${endpoint} does not answer as etcd`);
  if (status === 200 && value["error"] === undefined) return value;
  const text = `${endpoint} answers ${status}: ${errorText(value)}`;
  throw status >= 500 ? new UnreachableError(text) : new EtcdRefusal(text);
};

const MAX_SHOWN = 256;

const errorText = (value: Readonly<Record<string, unknown>>): string => {
  const error = isObject(value["error"]) ? value["error"]["message"] : (value["message"] ?? value["error"]);
  return typeof error === "string" ? error.slice(0, MAX_SHOWN).replace(/\p{Cc}/gu, " ") : "no reason given";
};

export const toBase64 = (text: string): string => {
  let binary = "";
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
};

/** @throws when it is no base64 */
export const fromBase64 = (text: string): string =>
  new TextDecoder().decode(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)));
