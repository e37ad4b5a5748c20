/** `/openapi.json` and the broker that it describes, held against each other. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { hashOf } from "../../src/main/access/token-hash.js";
import type { Method, Operation, Parameter, PathItem } from "../../src/main/openapi/specification.js";
import type { PermissionName } from "../../src/main/user-options.js";
import { sharedBroker } from "./brokers.js";

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: { readonly responses: Readonly<Record<string, Operation["responses"][string]>> };
}

interface Request {
  readonly query?: Readonly<Record<string, string>>;
  readonly type?: string;
  readonly body?: string;
}

const METHODS: readonly Method[] = ["get", "post", "put", "patch", "delete"];

const broker = sharedBroker({ shards: 2 });

const ask = (path: string, method: string, { query = {}, type, body }: Request = {}, token?: string) =>
  fetch(`http://127.0.0.1:${broker().http}${path}?${new URLSearchParams(query)}`, send(method, type, body, token));

const send = (method: string, type?: string, body?: string, token?: string): RequestInit => ({
  method: method.toUpperCase(),
  redirect: "manual",
  headers: {
    ...(type === undefined ? {} : { "content-type": type }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  },
  ...(body === undefined ? {} : { body }),
});

const describedBy = async (port: number, token?: string): Promise<Document> => {
  const answer = await fetch(`http://127.0.0.1:${port}/openapi.json`, send("get", undefined, undefined, token));
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
  return (await answer.json()) as Document;
};

const operationsOf = ({ paths }: Document): [string, Method, Operation][] =>
  Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method): [string, Method, Operation][] => {
      const operation = item[method];
      return operation === undefined ? [] : [[path, method, operation]];
    }),
  );

/** The same where an object has no members but those that are described. */
const closed = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const { type, properties } = inner as { readonly type?: unknown; readonly properties?: unknown };
  return type === "object" && properties !== undefined ? { additionalProperties: false, ...inner } : inner;
};

/** Looks whether an answer is one that is described. */
class Description {
  readonly #document: Document;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });

  constructor(document: Document) {
    this.#document = document;
    this.#ajv.addSchema({ $id: "document", ...(closed(document) as object) });
  }

  /** The schema of what is answered with this status and type; fails where that is not described. */
  schemaOf(path: string, method: Method, status: number, type: string | null): string {
    const found = this.#document.paths[path]?.[method]?.responses[status];
    const what = `${method} ${path} ${status} ${type}`;
    if (found === undefined) throw new Error(`${what}: the status is not described`);
    const shared = "$ref" in found ? found.$ref.split("/").at(-1) : undefined;
    const response = shared === undefined ? found : this.#document.components.responses[shared];
    const content = (response !== undefined && "content" in response && response.content) || {};
    const plain = (type ?? "").replace(/;.*$/, "");
    if (content[plain] === undefined) throw new Error(`${what}: the type is not described`);
    const place =
      shared === undefined ? ["paths", path, method, "responses", status] : ["components", "responses", shared];
    return `document#/${[...place, "content", plain, "schema"].map(pointer).join("/")}`;
  }

  check(schema: string, value: unknown): void {
    const validate = this.#ajv.compile({ $ref: schema });
    validate(value);
    expect({ schema, value, errors: validate.errors ?? [] }).toEqual({ schema, value, errors: [] });
  }

  /** Whether it says of a status that there is no body. */
  isEmpty(path: string, method: Method, status: number): boolean {
    const found = this.#document.paths[path]?.[method]?.responses[status];
    return found !== undefined && !("$ref" in found) && found.content === undefined;
  }

  async checkAnswer(path: string, method: Method, answer: Response): Promise<unknown> {
    const type = answer.headers.get("content-type");
    if (type === null && this.isEmpty(path, method, answer.status)) return expect(await answer.text()).toBe("");
    const schema = this.schemaOf(path, method, answer.status, type);
    const body = type === "application/json" ? await answer.json() : await answer.text();
    this.check(schema, body);
    return body;
  }
}

const pointer = (part: string | number): string =>
  encodeURIComponent(String(part).replaceAll("~", "~0").replaceAll("/", "~1"));

const FORM = "application/x-www-form-urlencoded";
const push = (topic: string): Request => ({
  type: FORM,
  body: `data=${encodeURIComponent(JSON.stringify({ topic, body: "é", delay: 0, route_key: null }))}`,
});

/** One of each operation that is not a WebSocket alone, in an order in which all are carried out; `ID` is the message of the push. */
const EXAMPLES: Readonly<Record<string, Request>> = {
  push: push("described"),
  explain: { query: { topic: "described", queue: "default", route: "default" } },
  countDelayed: { query: { topic: "described", buckets: "2" } },
  groupDeadLetters: { query: { topic: "described", max: "1" } },
  findMessages: {
    query: { topic: "described", state: "all", header: "h", value: "v", text: "x", ignoreCase: "true", max: "1" },
  },
  listConsumers: { query: { shard: "1", max: "1" } },
  pop: { query: { topic: "described", bindKey: "default" } },
  ack: { query: { topic: "described", msgId: "ID" } },
  getHistory: { query: { topic: "described", id: "ID" } },
  configure: { query: { topic: "described", isAutoAck: "1", mode: "1", msgTTR: "60", msgRetry: "3" } },
  declareQueue: { query: { topic: "described", bindKey: "another" } },
  toggleAutoAck: { query: { topic: "described" } },
  getTopicStatistics: { query: { topic: "described" } },
  listTopicStatistics: {},
  listQueues: { query: { topic: "described" } },
  deleteTopic: { query: { topic: "described" } },
  publishToChannel: { query: { topic: "channel", key: "k" }, type: "text/plain", body: "x" },
  openPublisher: { query: { topic: "channel" } },
  subscribe: { query: { topic: "channel", format: "json", recover: "1" } },
  listConnections: { query: { after: "0", max: "10" } },
  closeConnection: { query: { id: "1000000" } },
  ping: {},
  isLive: {},
  isReady: {},
  getMetrics: {},
  getOpenApi: {},
  findConsole: {},
  getConsole: {},
  getSession: {},
  logIn: { type: "application/json", body: '{"token":"ringmq_none"}' },
  logOut: {},
};

/** The example with the id of a message. */
const requestOf = (operationId: string, id = "1"): Request | undefined => {
  const example = EXAMPLES[operationId];
  const query = Object.entries(example?.query ?? {}).map(([name, value]) => [name, value === "ID" ? id : value]);
  return example && { ...example, query: Object.fromEntries(query) };
};

/** The statuses of those that are not answered with 200. */
const STATUSES: Readonly<Record<string, number>> = { findConsole: 308, logOut: 204 };

const isWebSocketAlone = ({ get }: PathItem): boolean =>
  get?.responses["101"] !== undefined && get.responses["200"] === undefined;

/** Of the page of the console: their names change with what is in them. */
const isFile = (path: string): boolean => /^\/console\/.*\.\w+$/.test(path);

const isStream = (operationId: string): boolean => operationId === "subscribe";

const isRefused = async (answer: Response): Promise<boolean> => {
  if (answer.status !== 200) return answer.status === 400;
  if (answer.headers.get("content-type") !== "application/json") return false;
  return ((await answer.json()) as { readonly code?: number }).code === 1;
};

describe("the description of a broker", () => {
  it("describes each path that it has, and no other", async () => {
    const { paths } = await describedBy(broker().http);
    const described = Object.entries(paths).filter(([, item]) => !isWebSocketAlone(item));
    const webSockets = Object.entries(paths).filter(([, { get }]) => get?.responses["101"] !== undefined);
    expect(webSockets.map(([path]) => path).sort()).toEqual([...broker().broker.webSocketPaths].sort());
    const running = broker().broker.httpPaths.map(({ path }) => path);
    expect(described.map(([path]) => path).sort()).toEqual(running.filter((path) => !isFile(path)).sort());
  });

  it("tells for each which methods it takes", async () => {
    const { paths } = await describedBy(broker().http);
    for (const [path, item] of Object.entries(paths)) {
      if (isWebSocketAlone(item)) continue;
      for (const method of METHODS) {
        if (isStream(item.get?.operationId ?? "")) continue;
        const { status } = await ask(path, method);
        const takes = item[method] !== undefined || item["x-any-method"] === true;
        expect([path, method, status === 404, status === 405]).toEqual([path, method, false, !takes]);
      }
      const head = await ask(path, "head");
      expect([path, head.status]).toEqual([path, STATUSES[item.get?.operationId ?? ""] ?? 200]);
    }
  });

  it("opens a WebSocket where it says so", async () => {
    const { http } = broker();
    for (const [path, method, { responses }] of operationsOf(await describedBy(http))) {
      if (responses["101"] === undefined) continue;
      expect(method).toBe("get");
      const socket = new WebSocket(`ws://127.0.0.1:${http}${path}?topic=channel`, {
        origin: `http://127.0.0.1:${http}`,
      });
      await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
      socket.terminate();
    }
  });

  it("has an example of each operation here, whose answer is as it says", async () => {
    const document = await describedBy(broker().http);
    const description = new Description(document);
    const operations = operationsOf(document);
    const missing = operations.filter(
      ([path, , { operationId }]) => !isWebSocketAlone(document.paths[path] ?? {}) && !(operationId in EXAMPLES),
    );
    expect(missing.map(([path, method]) => `${method} ${path}`)).toEqual([]);
    let id = "";
    for (const operationId of Object.keys(EXAMPLES)) {
      const [path, method] = operations.find(([, , each]) => each.operationId === operationId) ?? [];
      if (path === undefined || method === undefined) throw new Error(`${operationId} is not described`);
      if (isStream(operationId)) continue;
      const answer = await ask(path, method, requestOf(operationId, id));
      expect([path, answer.status]).toEqual([path, STATUSES[operationId] ?? 200]);
      expect([path, await isRefused(answer.clone())]).toEqual([path, false]);
      const body = await description.checkAnswer(path, method, answer);
      if (operationId === "push") id = (body as { readonly data: { readonly msgId: string } }).data.msgId;
    }
  });

  it("tells what the lines of a subscription are", async () => {
    const description = new Description(await describedBy(broker().http));
    const query = { topic: "lines", format: "json", recover: "1" };
    const answer = await ask("/sub", "get", { query });
    const schema = description.schemaOf("/sub", "get", answer.status, answer.headers.get("content-type"));
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let lines = "";
    await ask("/pub", "post", { query: { topic: "lines" }, body: "x" });
    while (lines.split("\n").length < 3) lines += (await reader?.read())?.value ?? "";
    await reader?.cancel();
    const told = lines
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(told.map((each) => Object.keys(each)[0])).toEqual(["subscribed", "position"]);
    for (const each of told) description.check(schema, each);
  });

  it("tells what refusals are", async () => {
    const description = new Description(await describedBy(broker().http));
    const refusals: [string, Method, Request, number][] = [
      ["/pop", "post", { query: { topic: "nothing-there" } }, 200],
      ["/getTopicStat", "get", {}, 200],
      ["/push", "post", {}, 200],
      ["/pub", "post", { body: "x" }, 400],
      ["/sub", "get", { query: { topic: "channel", overflow: "none" } }, 400],
      ["/explain", "get", {}, 400],
      ["/find", "get", { query: { topic: "described", value: "v" } }, 400],
      ["/consumers", "get", { query: { shard: "9" } }, 400],
      ["/console/session", "post", { type: "application/json", body: "{" }, 400],
    ];
    for (const [path, method, request, status] of refusals) {
      const answer = await ask(path, method, request);
      expect([path, answer.status]).toEqual([path, status]);
      expect(await isRefused(answer.clone())).toBe(true);
      await description.checkAnswer(path, method, answer);
    }
    const plain = await ask("/console/session", "post", { type: "text/plain", body: "x" });
    await description.checkAnswer("/console/session", "post", plain);
    expect(plain.status).toBe(415);
    const wrong = await ask("/connections", "post");
    description.check(
      description.schemaOf("/connections", "get", wrong.status, "application/json"),
      await wrong.json(),
    );
  });

  it("gives parameters the bounds that they have", async () => {
    const document = await describedBy(broker().http);
    await ask("/push", "post", push("described"));
    for (const [path, method, { operationId, parameters = [] }] of operationsOf(document)) {
      const example = requestOf(operationId);
      if (example === undefined) continue;
      const outcome = async (changed: Readonly<Record<string, string | undefined>>): Promise<boolean> => {
        const whole = Object.entries({ ...example.query, ...changed }).filter(
          (pair): pair is [string, string] => pair[1] !== undefined,
        );
        const answer = await ask(path, method, { ...example, query: Object.fromEntries(whole) });
        if (isStream(operationId) && answer.status === 200) return answer.body?.cancel().then(() => false) ?? false;
        return isRefused(answer);
      };
      for (const parameter of parameters) {
        const { name } = parameter;
        for (const value of beyond(parameter)) {
          expect([path, name, value, await outcome({ [name]: value })]).toEqual([path, name, value, true]);
        }
        for (const value of within(parameter)) {
          // A position takes the place of another start.
          expect([path, name, value, await outcome({ [name]: value })]).toEqual([path, name, value, false]);
        }
      }
    }
  });
});

interface NumberSchema {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly unknown[];
}

/** Values that are to be refused; undefined: it is missing. */
const beyond = ({ required, schema, name }: Parameter): (string | undefined)[] => {
  const { minimum, maximum, maxLength, pattern, enum: words, anyOf } = schema as NumberSchema;
  return [
    ...(required === true ? [undefined, ""] : []),
    ...(maximum === undefined ? [] : [String(maximum + 1), "many"]),
    ...(minimum === undefined ? [] : [String(minimum - 1)]),
    ...(maxLength === undefined ? [] : ["x".repeat(maxLength + 1)]),
    ...(pattern === undefined && words === undefined && anyOf === undefined ? [] : [`no ${name}`]),
  ];
};

/** Values that are to be taken. */
const within = ({ schema }: Parameter): string[] => {
  const { minimum, maximum, enum: words = [] } = schema as NumberSchema;
  return [minimum, maximum, ...words].filter((value) => value !== undefined).map(String);
};

describe("the description of a broker with users", () => {
  const tokenOf = (name: string): string => `ringmq_token-of-${name}`;
  const NAMES: readonly PermissionName[] = ["publish", "consume", "manage", "operate"];
  const guarded = sharedBroker({
    users: NAMES.map((name) => ({
      name,
      tokens: [{ hash: hashOf(tokenOf(name)) }],
      permissions: [{ topics: "*", allow: [name] }],
    })),
  });

  const asked = (path: string, method: Method, { query = {}, type, body }: Request, token?: string) =>
    fetch(`http://127.0.0.1:${guarded().http}${path}?${new URLSearchParams(query)}`, send(method, type, body, token));

  it("tells who may do what, and what is open to everybody", async () => {
    const document = await describedBy(guarded().http, tokenOf("publish"));
    const description = new Description(document);
    for (const [path, method, operation] of operationsOf(document)) {
      const request = requestOf(operation.operationId);
      if (request === undefined) continue;
      const nobody = await asked(path, method, request);
      const what = `${method} ${path}`;
      const { operationId, security } = operation;
      const isOpen = security !== undefined && operationId !== "logIn";
      expect([what, nobody.status]).toEqual([what, isOpen ? (STATUSES[operationId] ?? 200) : 401]);
      await description.checkAnswer(path, method, nobody);
      const needs = operation["x-permissions"];
      for (const name of operation.security === undefined ? NAMES : []) {
        const answer = await asked(path, method, request, tokenOf(name));
        const may = needs === undefined || needs.includes(name);
        expect([what, name, answer.status === 403]).toEqual([what, name, !may]);
        if (may) await answer.body?.cancel();
        else await description.checkAnswer(path, method, answer);
      }
    }
  });
});
