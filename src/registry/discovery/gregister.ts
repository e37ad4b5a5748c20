/** Asks a gregister: ours, or one of gmq's. */
import { type RequestOptions, requestJson, UnreachableError } from "./json-request.js";
import { serviceUrl } from "./node-address.js";
import { isObject, type NodeInfo, readNodes } from "./node-info.js";

/** A registry has understood a request and says no. */
export class RegistryRefusal extends Error {
  override readonly name = "RegistryRefusal";
}

/** That was because of the token: none was shown, or a wrong one. */
export class UnauthorizedError extends RegistryRefusal {}

/**
 * One request; returns the `data` of the answer.
 *
 * @throws RegistryRefusal when the registry refuses it, with the registry's words.
 * @throws UnreachableError when it does not answer, or not as a registry.
 * @throws RangeError when `registry` is no address.
 */
export const requestRegistry = async (
  registry: string,
  path: string,
  parameters: Readonly<Record<string, string>>,
  options: RequestOptions = {},
): Promise<unknown> => {
  const origin = serviceUrl(registry);
  const query = new URLSearchParams(parameters).toString();
  const { status, value } = await requestJson(`${origin}${path}${query === "" ? "" : `?${query}`}`, undefined, options);
  if (!isObject(value) || (value["code"] !== 0 && value["code"] !== 1)) {
    throw new UnreachableError(`${origin} does not answer as a registry`);
  }
  if (value["code"] === 0) return value["data"];
  throw new (status === 401 ? UnauthorizedError : RegistryRefusal)(shown(value["msg"]));
};

/**
 * The nodes that a registry lists, in its order. Entries that no client could use are left out.
 *
 * @throws as {@link requestRegistry}.
 */
export const listRegistered = async (registry: string, options: RequestOptions = {}): Promise<NodeInfo[]> => {
  const data = await requestRegistry(registry, "/getNodes", {}, options);
  const nodes = isObject(data) ? data["nodes"] : undefined;
  // gmq's own registry lists nobody as null.
  if (nodes === null) return [];
  if (!Array.isArray(nodes)) throw new UnreachableError(`${serviceUrl(registry)} does not answer as a registry`);
  return readNodes(nodes, "id");
};

const MAX_SHOWN = 256;

/** The words of another program, short and in one line. */
const shown = (text: unknown): string =>
  typeof text === "string" && text !== "" ? text.slice(0, MAX_SHOWN).replace(/\p{Cc}/gu, " ") : "no reason given";
