/** What operators ask. Each is a request of the native protocol, whose RESULT is the answer. */
import {
  DEFAULT_PARTS,
  DEFAULT_POP_BYTES,
  MAX_BROWSE,
  MAX_FIND_TEXT,
  MAX_NAME_BYTES,
  MAX_PARTS,
} from "../../protocol/limits.js";
import { GUARDED, ID, NAME, NOT_ALLOWED, schema } from "./components.js";
import {
  answer,
  type Bounds,
  list,
  type Operation,
  object,
  optional,
  type Paths,
  type Response,
  required,
  type Schema,
} from "./specification.js";

/** Whoever decides about a request before its path does refuses it in its own words. */
const either = (description: string): Response =>
  answer(description, { anyOf: [schema("CodedRefusal"), schema("Refusal")] });

const REFUSALS: Operation["responses"] = {
  ...GUARDED,
  ...NOT_ALLOWED,
  "400": either("A parameter is not what it may be, or the request is none"),
  "403": either("The user's permissions do not allow this, or a page of another site has asked"),
  "500": either("A fault of the broker, whose log says why"),
  "503": either("The same may succeed later"),
};

const MAX = optional("max", "How many, at most", { type: "integer", minimum: 1, maximum: MAX_BROWSE, default: 100 });

const from = (description: string, maximum: number): ReturnType<typeof optional> =>
  optional("after", description, { type: "integer", minimum: 0, maximum, default: 0 });

const MAX_U32 = 0xffff_ffff;

const FIND_TEXT: Schema = { type: "string", minLength: 1, maxLength: MAX_FIND_TEXT };

/** The largest number that a query may have. */
const MAX_DIGITS = 999_999_999_999_999;

const TIME: Schema = { type: "integer", minimum: 0, maximum: MAX_DIGITS };

/** Some, and whether there are more behind them. */
const page = (of: Schema): Schema => ({
  type: "array",
  prefixItems: [list(of), { type: "boolean", description: "There are more behind them" }],
  minItems: 2,
  items: false,
});

export const operatorPaths = ({ shards }: Bounds): Paths => ({
  "/explain": {
    get: {
      operationId: "explain",
      tags: ["operator"],
      summary: "Why messages of a topic do not arrive",
      description: "EXPLAIN. It changes nothing.",
      parameters: [
        required("topic", "The topic", NAME),
        optional("queue", "The bind key of a queue. Default: every one, up to 32", NAME),
        optional("route", "Also tells which queues this route key reaches", {
          type: "string",
          maxLength: MAX_NAME_BYTES,
        }),
      ],
      responses: { ...REFUSALS, "200": answer("The weightiest first", list(schema("Finding"))) },
      "x-permissions": ["publish", "consume", "manage", "operate"],
    },
  },
  "/find": {
    get: {
      operationId: "findMessages",
      tags: ["operator"],
      summary: "Looks for messages of a queue",
      description: "FIND. All that is given must be so. Ask again with `after` until the cursor is null.",
      parameters: [
        required("topic", "The topic", NAME),
        optional("queue", "The bind key of the queue", { ...NAME, default: "default" }),
        optional("state", "Which messages", {
          enum: ["ready", "delayed", "in-flight", "dead", "all"],
          default: "all",
        }),
        optional("header", "The name of a header that they have", FIND_TEXT),
        optional("value", "With `header`: what it is, a text, number or boolean", FIND_TEXT),
        optional("text", "What their bodies have in them", FIND_TEXT),
        optional("ignoreCase", "With `text`: A is as good as a", { enum: ["true", "false"], default: "false" }),
        optional("route", "The route key that they were published with", { type: "string", maxLength: MAX_NAME_BYTES }),
        MAX,
        optional("maxBytes", "About how many bytes of them; one comes however large it is", {
          type: "integer",
          minimum: 1,
          maximum: MAX_U32,
          default: DEFAULT_POP_BYTES,
        }),
        optional("after", "The cursor of the answer before", { type: "string", pattern: "^[0-9a-z.]+$" }),
      ],
      responses: { ...REFUSALS, "200": answer("Those that were found, perhaps none yet", schema("Found")) },
      "x-permissions": ["consume", "manage"],
    },
  },
  "/delayed": {
    get: {
      operationId: "countDelayed",
      tags: ["operator"],
      summary: "How many delayed messages of a queue are due when",
      description: "DELAYED.",
      parameters: [
        required("topic", "The topic", NAME),
        optional("queue", "The bind key of the queue", { ...NAME, default: "default" }),
        optional("buckets", "Parts of equal length that the time is counted by", {
          type: "integer",
          minimum: 1,
          maximum: MAX_PARTS,
          default: DEFAULT_PARTS,
        }),
        optional("from", "From when: milliseconds since 1970. Default: now", TIME),
        optional("to", "Until when. Default: when the last one is due", TIME),
      ],
      responses: { ...REFUSALS, "200": answer("The counts", schema("DelayedCounts")) },
      "x-permissions": ["consume", "manage"],
    },
  },
  "/dead-groups": {
    get: {
      operationId: "groupDeadLetters",
      tags: ["operator"],
      summary: "The dead letters of a queue by what they have died of",
      description: "DEAD_GROUPS.",
      parameters: [
        required("topic", "The topic", NAME),
        optional("queue", "The bind key of the queue", { ...NAME, default: "default" }),
        MAX,
      ],
      responses: { ...REFUSALS, "200": answer("The largest groups", schema("DeadLetterGroups")) },
      "x-permissions": ["consume", "manage"],
    },
  },
  "/history": {
    get: {
      operationId: "getHistory",
      tags: ["operator"],
      summary: "What has become of a message",
      description: "HISTORY. Reads up to 1 GiB of the journal; two are read at a time.",
      parameters: [required("topic", "Its topic", NAME), required("id", "Its id", ID)],
      responses: { ...REFUSALS, "200": answer("What is known of it", schema("History")) },
      "x-permissions": ["consume", "manage"],
    },
  },
  "/connections": {
    get: {
      operationId: "listConnections",
      tags: ["operator"],
      summary: "Who is connected",
      description: "CONNECTIONS. All connections of the broker, of every protocol.",
      parameters: [from("The last id of the page before", MAX_DIGITS), MAX],
      responses: { ...REFUSALS, "200": answer("In the order of their ids", page(schema("Connection"))) },
      "x-permissions": ["operate"],
    },
    delete: {
      operationId: "closeConnection",
      tags: ["operator"],
      summary: "Closes a connection",
      description: "CLOSE_CONNECTION. What its consumers hold comes back at once.",
      parameters: [required("id", "Its id", { type: "integer", minimum: 1, maximum: MAX_DIGITS })],
      responses: {
        ...REFUSALS,
        "200": answer("How many were closed", object({ count: { enum: [0, 1] } })),
      },
      "x-permissions": ["operate"],
    },
  },
  "/consumers": {
    get: {
      operationId: "listConsumers",
      tags: ["operator"],
      summary: "Who takes messages from the queues of a shard",
      description: "CONSUMERS.",
      parameters: [
        optional("shard", "The shard", { type: "integer", minimum: 0, maximum: shards - 1, default: 0 }),
        from("The last number of the page before", MAX_U32),
        MAX,
      ],
      responses: { ...REFUSALS, "200": answer("In the order of their numbers", page(schema("Consumer"))) },
      "x-permissions": ["operate"],
    },
  },
});
