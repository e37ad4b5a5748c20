/** Who asks over HTTP: on whose behalf sessions are opened. */
import type { Access } from "../../access/access.js";
import type { Credential } from "../../access/user.js";
import type { HttpRequest, HttpResponse } from "./engine.js";

export interface Caller {
  readonly address: string;
  /** What it has shown; undefined: nobody is asked. */
  readonly credential: Credential | undefined;
}

/** In the query, for clients that can set no header, as RFC 6750 has it. */
const PARAMETER = "access_token";

/** The token that a request shows: `Authorization: Bearer`, `Basic` (as `http://token@host` becomes), or in its query. */
export const tokenOf = (request: Pick<HttpRequest, "header" | "query">): string | undefined => {
  const authorization = request.header("authorization");
  if (authorization !== "") return tokenIn(authorization);
  if (!request.query.includes(PARAMETER)) return undefined;
  return new URLSearchParams(request.query).get(PARAMETER) ?? undefined;
};

/** Of a header that is none of these, none that is right: whoever shows something is not taken for one who shows nothing. */
const tokenIn = (authorization: string): string => {
  const [, scheme = "", value = ""] = /^(bearer|basic) +(\S+)$/i.exec(authorization.trim()) ?? [];
  if (scheme.toLowerCase() !== "basic") return value;
  const text = Buffer.from(value, "base64").toString();
  const colon = text.indexOf(":");
  // The token alone, as the user or as the password.
  return text.slice(colon + 1) || text.slice(0, Math.max(0, colon));
};

/** Whether a request shows something that would be a token, right or wrong. */
export const showsToken = (request: Pick<HttpRequest, "header" | "query">): boolean => tokenOf(request) !== undefined;

/** Who a request is of; undefined: nobody who may come in. */
export const identify = (access: Access, request: HttpRequest, response: HttpResponse): Credential | undefined => {
  const token = tokenOf(request);
  return access.identify({ token, names: token === undefined ? response.certificateNames : [] });
};
