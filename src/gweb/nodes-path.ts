/**
 * `/console/nodes`: the list of nodes as JSON, and changes of it. Names and values are those of a registry. `/console/trust`: whether
 * a node is shown the token of the visitor, and that it may be.
 */
import { answerJson, JSON_HEADERS, refuse, takeJson } from "../main/console/json-exchange.js";
import { BodyDeadlines } from "../main/ports/http/body-intake.js";
import type { HttpRequest } from "../main/ports/http/engine.js";
import type { HttpHandler } from "../main/ports/http/entrance.js";
import type { HttpExchange } from "../main/ports/http/exchange.js";
import { ListRefusal, type NewNode } from "../registry/administration/index.js";
import { EtcdRefusal, RegistryRefusal, UnauthorizedError, UnreachableError } from "../registry/discovery/index.js";
import { isNodeAddress } from "../registry/discovery/node-address.js";
import { isNodeId, isObject, isWeight, MAX_NODE_ID, MAX_WEIGHT } from "../registry/discovery/node-info.js";
import type { Nodes, SeenNode } from "./nodes.js";
import type { Visitor } from "./visitor.js";

/** Two addresses of the greatest length and some numbers. */
const MAX_BODY_BYTES = 8 * 1024;

type Body = Readonly<Record<string, unknown>>;

/** What is sent is no change. */
class BodyError extends Error {}

const addressIn = (body: Body, name: string): string => {
  const value = body[name];
  if (!isNodeAddress(value)) throw new BodyError(`${name} must be as in 127.0.0.1:9503`);
  return value;
};

const weightIn = ({ weight }: Body): number => {
  if (typeof weight === "number" && isWeight(weight)) return weight;
  throw new BodyError(`weight must be a number from 0 to ${MAX_WEIGHT}`);
};

const nodeIn = (body: Body): NewNode => {
  const { node_id: id } = body;
  if (typeof id !== "number" || !isNodeId(id)) throw new BodyError(`node_id must be a number from 1 to ${MAX_NODE_ID}`);
  return {
    id,
    tcpAddress: addressIn(body, "tcp_addr"),
    httpAddress: addressIn(body, "http_addr"),
    weight: weightIn(body),
  };
};

const shown = ({ id, httpAddress, tcpAddress, joinTime, weight, scheme }: SeenNode): object => ({
  id,
  http_addr: httpAddress,
  tcp_addr: tcpAddress,
  join_time: joinTime,
  weight,
  healthy: scheme !== undefined,
});

/** `who`: who asks, by the head of the request. */
export const nodesPath = (nodes: Nodes, who: (request: HttpRequest) => Visitor | undefined): HttpHandler => {
  const deadlines = new BodyDeadlines();
  const changes = new Map<string, (body: Body, visitor: Visitor | undefined) => Promise<void>>([
    ["post", (body, visitor) => nodes.add(nodeIn(body), visitor)],
    ["patch", (body, visitor) => nodes.setWeight(addressIn(body, "tcp_addr"), weightIn(body), visitor)],
    ["delete", (body, visitor) => nodes.remove(addressIn(body, "tcp_addr"), visitor)],
  ]);
  return (exchange, request) => {
    const visitor = who(request);
    const change = changes.get(request.method);
    if (change === undefined) {
      return answered(exchange, async () => {
        const seen = await nodes.all(visitor);
        answerJson(exchange, { list: { kind: nodes.list.kind, name: nodes.list.name }, nodes: seen.map(shown) });
      });
    }
    return takeJson(exchange, request, deadlines, MAX_BODY_BYTES, (body) =>
      answered(exchange, async () => {
        if (!isObject(body)) throw new BodyError("the body is a JSON object");
        await change(body, visitor);
        exchange.sendNothing("204 No Content", JSON_HEADERS);
      }),
    );
  };
};

const NOBODY = new UnauthorizedError("no token was shown at the console");

/**
 * GET `?node=1`: where the node is, and whether it is shown the token of who asks. POST `{"http_addr": …}`: a node at that address may
 * be, until the login ends.
 */
export const trustPath = (nodes: Nodes, who: (request: HttpRequest) => Visitor | undefined): HttpHandler => {
  const deadlines = new BodyDeadlines();
  return (exchange, request) => {
    const visitor = who(request);
    if (request.method === "get") {
      const id = new URLSearchParams(request.query).get("node") ?? "";
      return answered(exchange, async () => {
        const place = await nodes.placeOf(id, visitor);
        if (place === undefined) throw new ListRefusal("no such node is listed");
        answerJson(exchange, { http_addr: place.httpAddress, shown: place.token !== undefined });
      });
    }
    return takeJson(exchange, request, deadlines, MAX_BODY_BYTES, (body) =>
      answered(exchange, async () => {
        if (!isObject(body)) throw new BodyError("the body is a JSON object");
        const address = addressIn(body, "http_addr");
        if (visitor === undefined) throw NOBODY;
        visitor.trust(address);
        exchange.sendNothing("204 No Content", JSON_HEADERS);
      }),
    );
  };
};

const answered = async (exchange: HttpExchange, work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    const [status, code] = refusalOf(error);
    refuse(exchange, status, code, (error as Error).message);
  }
};

/** Throws what is no refusal: that is a fault of the program. */
const refusalOf = (error: unknown): readonly [status: string, code: string] => {
  if (error instanceof BodyError) return ["400 Bad Request", "BAD_BODY"];
  if (error instanceof UnauthorizedError) return ["401 Unauthorized", "UNAUTHORIZED"];
  if (error instanceof ListRefusal || error instanceof RegistryRefusal || error instanceof EtcdRefusal) {
    return ["409 Conflict", "REFUSED"];
  }
  if (error instanceof UnreachableError) return ["502 Bad Gateway", "UNREACHABLE"];
  throw error;
};
