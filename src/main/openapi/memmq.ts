/** memmq over HTTP and WebSocket. */
import { MAX_NAME_BYTES } from "../../protocol/limits.js";
import { OVERFLOWS } from "../../protocol/subscribe-options.js";
import { NAME, RESPONSES, schema } from "./components.js";
import {
  answer,
  type Bounds,
  json,
  optional,
  type Paths,
  type Response,
  required,
  type Schema,
} from "./specification.js";

const WHOLE: Schema = { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER };

const TOPIC = required("topic", "The channel, without control characters", NAME);
const KEY = optional("key", "What `overflow=conflate` goes by", { type: "string", maxLength: MAX_NAME_BYTES });

const refused = (description: string): Response => answer(description, schema("ChannelRefusal"));

/** Whoever decides about a request before its path does says the same in the words of the path. */
const inItsWords = (response: Response): Response => ({ ...response, content: json(schema("ChannelRefusal")) });

const REFUSALS = {
  "400": refused("A parameter is not what it may be, or the request is none"),
  "401": inItsWords(RESPONSES.Unauthorized),
  "403": refused("The user's permissions do not allow this, or a page of another site has asked"),
  "500": refused("A fault of the broker, whose log says why"),
  "503": refused("The same may succeed later"),
  "507": refused("There is no space: MEMORY_FULL, DISK_FULL or TOO_MANY_TOPICS"),
};

const start = (name: string, schema: Schema, description: string): Required<Pick<Response, "headers">>["headers"] => ({
  [name]: { description, schema },
});

const webSocket = (description: string): Response => ({
  description,
  headers: { Upgrade: { description: "The protocol of the connection from now on", schema: { const: "websocket" } } },
});

export const memmqPaths = ({ maxMessageBytes }: Bounds): Paths => ({
  "/pub": {
    "x-any-method": true,
    post: {
      operationId: "publishToChannel",
      tags: ["channels"],
      summary: "Publishes a message to a channel",
      description: "Nobody has to be there to hear it.",
      parameters: [TOPIC, KEY],
      requestBody: {
        required: true,
        description: "The message: any bytes",
        content: { "*/*": { schema: { maxLength: maxMessageBytes } } },
      },
      responses: {
        ...REFUSALS,
        "429": inItsWords(RESPONSES.TooManyRequests),
        "200": answer("It is published", {
          type: "object",
          required: ["code", "msg"],
          properties: { code: { const: 200 }, msg: { type: "string" } },
        }),
        "413": refused(`The message has more than ${maxMessageBytes} bytes`),
      },
      "x-permissions": ["publish"],
    },
    get: {
      operationId: "openPublisher",
      tags: ["channels"],
      summary: "A WebSocket whose messages, text or binary, are published to a channel",
      description:
        "A publish that is refused closes it: 1008, 1009, 1011, or 1013 where the same may succeed later. Without an upgrade, the same as POST.",
      parameters: [TOPIC, KEY],
      responses: {
        ...REFUSALS,
        "101": webSocket("It is open"),
        "429": inItsWords(RESPONSES.TooManyRequests),
        "200": answer("There was no upgrade: the body is published", {
          type: "object",
          required: ["code", "msg"],
          properties: { code: { const: 200 }, msg: { type: "string" } },
        }),
      },
      "x-permissions": ["publish"],
    },
  },
  "/sub": {
    "x-any-method": true,
    get: {
      operationId: "subscribe",
      tags: ["channels"],
      summary: "The messages of a channel as they come",
      description:
        "A binary message of a WebSocket for each; without an upgrade, an answer without an end. With `format=json` each is a line, or a text message: first `subscribed`, then messages, and `lost` in the place of those that will not come.",
      parameters: [
        TOPIC,
        optional("from", "Where to begin: `now`, `start`, or milliseconds since 1970", {
          anyOf: [{ enum: ["now", "start"] }, WHOLE],
          default: "now",
        }),
        optional("position", "The first message, instead of `from`", WHOLE),
        optional("epoch", "With `position`, to go on where an earlier subscription was", {
          type: "string",
          pattern: "^\\d{1,20}$",
        }),
        optional("recover", "1: the channel has a history from now on", { enum: ["0", "1", "false", "true"] }),
        optional("overflow", "What becomes of messages that this subscriber is too slow for", {
          enum: OVERFLOWS,
          default: "drop-oldest",
        }),
        optional("format", "Payloads alone, or JSON", { enum: ["raw", "json"], default: "raw" }),
      ],
      responses: {
        ...REFUSALS,
        "101": webSocket("It is open"),
        "200": {
          description: "It has begun. With `format=raw` the headers say what `subscribed` says in JSON",
          headers: {
            ...start("Ringmq-Epoch", { type: "string" }, "What positions count in"),
            ...start("Ringmq-Position", WHOLE, "That of the first message"),
            ...start("Ringmq-Kept", { type: "boolean" }, "Whether the channel is kept"),
            ...start("Ringmq-Recovered", { type: "boolean" }, "With `epoch`: whether all messages since are there"),
            ...start("Ringmq-Lost", WHOLE, "With `epoch`: how many are known to be lost"),
          },
          content: {
            "application/octet-stream": { schema: { description: "Payloads, nothing between them" } },
            "application/x-ndjson": { schema: schema("ChannelLine") },
          },
        },
      },
      "x-permissions": ["consume"],
    },
  },
});
