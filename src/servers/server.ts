/**
 * Names of servers, as users write them: `localhost:8081`, `https://broker.example`, `[::1]:9091`, `http://10.0.0.1:80/mq`.
 */

/** A server that can be connected to. */
export interface Server {
  /** `http://` or `https://`, host and port, and a path without a slash at its end. It identifies the server. */
  readonly url: string;
  /** The host that the program named, for which a certificate must be: `url` may have an address in its place. */
  readonly host: string;
}

const SCHEME = /^[a-z][a-z\d+.-]*:\/\//i;

/** @throws RangeError with what is wrong, for people */
export const parseServer = (name: string): URL => {
  const refuse = (why: string): never => {
    throw new RangeError(`${JSON.stringify(name.slice(0, 200))} is no server: ${why}, as localhost:8081`);
  };
  const text = SCHEME.test(name) ? name : `https://${name}`;
  if (/[\s,]/.test(name) || !URL.canParse(text)) return refuse("it must be a host and a port");
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") return refuse("it must be http:// or https://");
  if (url.username !== "" || url.password !== "") return refuse("it must have no user and no password");
  if (url.search !== "" || url.hash !== "") return refuse("it must end with the path");
  return url;
};

/** A host without the brackets of an IPv6 address. */
export const plainHost = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, "$1");

export const serverOf = (url: URL, host = plainHost(url)): Server => ({
  url: url.href.replace(/\/+$/, ""),
  host,
});
