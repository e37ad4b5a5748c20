/** The cookie that says which login a browser has: RFC 6265. */
import type { HttpRequest } from "../ports/http/engine.js";

/** Nothing else is asked for by it: no other path takes cookies. */
const PATH = "/console/";

/** Of a login, as `Logins` makes them: 256 bits in base64url. */
const VALUE = /^[\w-]{43}$/;

/** Browsers keep cookies by host, whatever the port: several brokers on a machine would log each other out. */
const nameFor = (host: string): string => {
  const port = /:(\d{1,5})$/.exec(host)?.[1];
  return port === undefined ? "ringmq" : `ringmq-${port}`;
};

/** The cookie of the console that a browser calls by the `Host` of this request. */
export class LoginCookie {
  readonly #name: string;
  /** The login that the request names; undefined: none, or several, of which one would be somebody else's. */
  readonly value: string | undefined;
  /** Browsers are to show it over TLS alone. */
  readonly #isSecure: boolean;

  /** `isTls`: of the port. In front of one without it may be a proxy with it, which the browser says on what it changes. */
  constructor(request: Pick<HttpRequest, "header" | "eachHeader">, isTls: boolean) {
    this.#name = nameFor(request.header("host"));
    this.#isSecure = isTls || /^https:/i.test(request.header("origin"));
    const found: string[] = [];
    request.eachHeader((name, value) => {
      if (name === "cookie") found.push(...this.#valuesIn(value));
    });
    const [value = ""] = found;
    this.value = found.length === 1 && VALUE.test(value) ? value : undefined;
  }

  /** `Set-Cookie` for a login. It goes when the browser does. */
  set(value: string): string {
    return `${this.#name}=${value}; ${this.#attributes}`;
  }

  /** `Set-Cookie` for the end of one. */
  clear(): string {
    return `${this.#name}=; Max-Age=0; ${this.#attributes}`;
  }

  get #attributes(): string {
    return `Path=${PATH}; HttpOnly; SameSite=Strict${this.#isSecure ? "; Secure" : ""}`;
  }

  #valuesIn(header: string): string[] {
    return header
      .split(";")
      .map((pair) => pair.trim())
      .filter((pair) => pair.startsWith(`${this.#name}=`))
      .map((pair) => pair.slice(this.#name.length + 1));
  }
}
