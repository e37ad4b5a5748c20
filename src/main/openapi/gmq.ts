/** gmq's HTTP API. */
import { DEFAULT_KEY, MAX_DELAY, MAX_NAME_BYTES, MAX_RETRIES } from "../../protocol/limits.js";
import { ALWAYS, GUARDED, ID, NAME, PUBLISHING, schema, success } from "./components.js";
import {
  answer,
  type Bounds,
  list,
  type Operation,
  object,
  optional,
  type Parameter,
  type Paths,
  required,
  type Schema,
  text,
} from "./specification.js";

const MILLISECONDS = 1000;

const TOPIC = required("topic", "The topic", NAME);
const BIND_KEY = optional("bindKey", "Which of its queues; empty is the default", {
  type: "string",
  maxLength: MAX_NAME_BYTES,
  default: DEFAULT_KEY,
});
const NOTHING: Schema = { type: "null" };

interface Described extends Pick<Operation, "operationId" | "summary" | "description"> {
  readonly parameters?: readonly Parameter[];
  readonly data?: Schema;
  readonly msg?: Schema;
  readonly permissions?: Operation["x-permissions"];
}

/** A request with its parameters in the query, and an answer that says in itself whether it was refused. */
const operation = ({ data = NOTHING, msg, permissions, parameters = [], ...described }: Described): Operation => ({
  ...described,
  tags: ["queues"],
  parameters,
  responses: {
    "200": answer("What was asked for, or a refusal", { oneOf: [success(data, msg), schema("Refusal")] }),
    ...GUARDED,
  },
  ...(permissions === undefined ? {} : { "x-permissions": permissions }),
});

const OF_ANY = ["publish", "consume", "manage", "operate"];

const pushForm: Schema = {
  type: "object",
  required: ["data"],
  properties: {
    data: { type: "string", contentMediaType: "application/json", contentSchema: schema("Push") },
  },
};

export const gmqPaths = ({ maxMessageBytes }: Bounds): Paths => ({
  "/push": {
    "x-any-method": true,
    post: {
      operationId: "push",
      tags: ["queues"],
      summary: "Publishes a message",
      description: `The form has one field, \`data\`: JSON. A body has at most ${maxMessageBytes} bytes. PUT and PATCH do the same; with another method there is no form, and the request is refused.`,
      requestBody: {
        required: true,
        description: "A form with the message in it",
        content: {
          "application/x-www-form-urlencoded": { schema: pushForm },
          "multipart/form-data": { schema: pushForm },
        },
      },
      responses: {
        "200": answer("The id of the message, or a refusal", {
          oneOf: [success(object({ msgId: ID })), schema("Refusal")],
        }),
        ...PUBLISHING,
      },
      "x-permissions": ["publish"],
    },
  },
  "/pop": {
    "x-any-method": true,
    post: operation({
      operationId: "pop",
      summary: "Takes a message from a queue, without waiting",
      description:
        "It has to be acked before its lease ends, unless the topic acks by itself. `no message` is a refusal.",
      parameters: [TOPIC, BIND_KEY],
      data: object({
        id: ID,
        body: { type: "string" },
        retry_count: { type: "integer", minimum: 0, maximum: MAX_RETRIES + 1 },
      }),
      permissions: ["consume"],
    }),
  },
  "/ack": {
    "x-any-method": true,
    post: operation({
      operationId: "ack",
      summary: "Acks a message",
      parameters: [required("msgId", "Its id", ID), TOPIC, BIND_KEY],
      permissions: ["consume", "manage"],
    }),
  },
  "/config": {
    "x-any-method": true,
    post: operation({
      operationId: "configure",
      summary: "Configures a topic, and makes it",
      description: "What is not named stays as it is.",
      parameters: [
        TOPIC,
        optional("isAutoAck", "Whether a message that is handed out is acked by that; `isAuthoAck` is the same", {
          enum: ["0", "1"],
        }),
        optional(
          "mode",
          "1: the route key is the bind key; 2: the bind key is a pattern, RE2, that the route key matches",
          {
            enum: ["1", "2"],
          },
        ),
        optional("msgTTR", "Seconds until a message that is not acked is handed out again", {
          type: "integer",
          minimum: 1,
          maximum: MAX_DELAY / MILLISECONDS,
        }),
        optional("msgRetry", "How often, until it is a dead letter", {
          type: "integer",
          minimum: 0,
          maximum: MAX_RETRIES,
        }),
      ],
      permissions: ["manage"],
    }),
  },
  "/declareQueue": {
    "x-any-method": true,
    post: operation({
      operationId: "declareQueue",
      summary: "Makes a queue, and its topic",
      parameters: [TOPIC, BIND_KEY],
      msg: { const: "ok" },
      permissions: ["manage"],
    }),
  },
  "/setIsAutoAck": {
    "x-any-method": true,
    post: operation({
      operationId: "toggleAutoAck",
      summary: "Turns auto-ack of a topic on where it is off, and off where it is on",
      parameters: [TOPIC],
      permissions: ["manage"],
    }),
  },
  "/exitTopic": {
    "x-any-method": true,
    post: operation({
      operationId: "deleteTopic",
      summary: "Deletes a topic with its messages",
      parameters: [TOPIC],
      msg: { type: "string", description: "`topic.<name> has exit.`" },
      permissions: ["manage"],
    }),
  },
  "/getTopicStat": {
    "x-any-method": true,
    get: operation({
      operationId: "getTopicStatistics",
      summary: "The statistics of a topic",
      parameters: [TOPIC],
      data: schema("TopicStatistics"),
      permissions: OF_ANY,
    }),
  },
  "/getAllTopicStat": {
    "x-any-method": true,
    get: operation({
      operationId: "listTopicStatistics",
      summary: "The statistics of all topics that the user may know of, by name",
      description: "Sent while it is read: a shard that fails in the middle closes the connection.",
      data: list(schema("TopicStatistics")),
    }),
  },
  "/getQueuesByTopic": {
    "x-any-method": true,
    get: operation({
      operationId: "listQueues",
      summary: "The queues of a topic; none, where there is no such topic",
      parameters: [TOPIC],
      data: {
        type: "object",
        additionalProperties: { type: "string" },
        description: "By bind key: `<topic>_<bindKey>`",
      },
      permissions: OF_ANY,
    }),
  },
  "/ping": {
    "x-any-method": true,
    get: {
      operationId: "ping",
      tags: ["probes"],
      summary: "How clients of gmq ask whether a node is well",
      responses: { "200": { description: "It is", content: text({ const: "OK" }) }, ...ALWAYS, "503": GUARDED["503"] },
      security: [],
    },
  },
});
