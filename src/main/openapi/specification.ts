/** As much of OpenAPI 3.1 as the description uses, and what is said again and again. */

/** JSON Schema, draft 2020-12. */
export type Schema = Readonly<Record<string, unknown>>;

export interface Parameter {
  readonly name: string;
  readonly in: "query" | "header";
  readonly required?: boolean;
  readonly description: string;
  readonly schema: Schema;
}

export interface Media {
  readonly schema: Schema;
}

export type Content = Readonly<Record<string, Media>>;

export interface Response {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly description: string; readonly schema: Schema }>>;
  readonly content?: Content;
}

export interface Reference {
  readonly $ref: string;
}

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly [TagName];
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: true; readonly description: string; readonly content: Content };
  /** By status. */
  readonly responses: Readonly<Record<string, Response | Reference>>;
  /** Empty: it answers whoever asks. Default: as the whole document. */
  readonly security?: readonly [];
  /** Of its topic, or of the broker: a user has to have one of them. Default: any token will do. */
  readonly "x-permissions"?: readonly string[];
}

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** What a path does. */
export type PathItem = Partial<Readonly<Record<Method, Operation>>> & {
  /** Every method but HEAD, which does nothing, does the same as that which is described. */
  readonly "x-any-method"?: true;
};

/** By path. */
export type Paths = Readonly<Record<string, PathItem>>;

export const TAGS = {
  queues: "Topics and queues: the HTTP API of gmq. A refusal is an answer with status 200 whose `code` is 1.",
  channels: "Messages to whoever listens: memmq over HTTP and WebSocket. A topic of memmq is a channel.",
  operator: "What operators ask of a running broker.",
  probes: "Whether the broker is well, and its metrics.",
  console: "The page of the broker, and who is logged in there.",
  native: "The protocol of ringmq itself.",
} as const;

export type TagName = keyof typeof TAGS;

/** What of a broker its description depends on. */
export interface Bounds {
  /** The largest message, in bytes. */
  readonly maxMessageBytes: number;
  readonly shards: number;
}

export const json = (schema: Schema): Content => ({ "application/json": { schema } });
export const text = (schema: Schema): Content => ({ "text/plain": { schema } });

export const answer = (description: string, schema: Schema): Response => ({ description, content: json(schema) });

/** An object that has all of these. */
export const object = (properties: Readonly<Record<string, Schema>>, description?: string): Schema => ({
  type: "object",
  ...(description === undefined ? {} : { description }),
  required: Object.keys(properties),
  properties,
});

export const list = (items: Schema): Schema => ({ type: "array", items });

export const optional = (name: string, description: string, schema: Schema): Parameter => ({
  name,
  in: "query",
  description,
  schema,
});

export const required = (name: string, description: string, schema: Schema): Parameter => ({
  ...optional(name, description, schema),
  required: true,
});
