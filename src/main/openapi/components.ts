/** What several paths take and answer. */
import { MAX_NAME_BYTES } from "../../protocol/limits.js";
import { answer, list, object, type Reference, type Response, type Schema } from "./specification.js";

/** The largest whole number that JSON is read with exactly. */
const count = (description: string): Schema => ({ type: "integer", minimum: 0, description });
const time = (description: string): Schema => count(`${description}; milliseconds since 1970, 0: none, or not known`);
const word = (description: string): Schema => ({ type: "string", description });

/** A topic, a channel or a queue: so many bytes of UTF-8, which are at most as many characters. */
export const NAME: Schema = { type: "string", minLength: 1, maxLength: MAX_NAME_BYTES };

/** 64 bits in decimal. */
export const ID: Schema = { type: "string", pattern: "^\\d{1,20}$" };

/** How gmq answers. Members are in this order. */
export const success = (data: Schema, msg: Schema = { const: "success" }): Schema => ({
  type: "object",
  required: ["code", "data", "msg"],
  properties: { code: { const: 0 }, data, msg },
});

export const SCHEMAS = {
  Refusal: {
    ...object({ code: { const: 1 }, data: { type: "null" }, msg: word("Why, for people") }),
    description:
      "A refusal of gmq's API, and of whatever decides about a request before its path does, but for memmq's",
  },
  TopicStatistics: object(
    {
      name: NAME,
      pop_num: count("Deliveries, since the topic was created, or the broker or its shard started"),
      push_num: count("Messages published, since then"),
      dead_num: count("Dead letters"),
      queue_msg_num: count("Ready messages"),
      queue_num: count("Queues"),
      delay_num: count("Delayed messages"),
      wait_ack_num: count("Messages in flight"),
      start_time: {
        type: "string",
        pattern: "^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d$",
        description: "In the time zone of the broker",
      },
      is_auto_ack: { type: "boolean" },
    },
    "A topic, as gmq tells of it",
  ),
  Push: {
    type: "object",
    required: ["topic"],
    properties: {
      topic: NAME,
      body: { type: ["string", "null"], default: "", description: "The body of the message" },
      delay: {
        type: ["integer", "null"],
        default: 0,
        maximum: 315_360_000,
        description: "Seconds until the message is ready; below 0 is 0",
      },
      route_key: {
        type: ["string", "null"],
        default: "default",
        maxLength: MAX_NAME_BYTES,
        description: "Which queues receive it",
      },
    },
    description: "A message to be published. Members that it does not know are skipped",
  },
  ChannelRefusal: {
    ...object({
      code: { type: "integer", minimum: 400, maximum: 599, description: "The status of the answer" },
      error: word("A code of ringmq, or BAD_ARGUMENT for a parameter; a fault of the broker may have none"),
      msg: word("Why, for people"),
    }),
    required: ["code", "msg"],
    description: "A refusal of memmq's paths",
  },
  ChannelLine: {
    description: "What a subscriber is told with `format=json`",
    anyOf: [
      object({
        subscribed: object({
          epoch: word("What positions count in"),
          position: count("Of the first message"),
          kept: { type: "boolean", description: "The channel is kept" },
          recovered: { type: ["boolean", "null"], description: "With `epoch`: all messages since are there" },
          lost: { type: ["integer", "null"], description: "With `epoch`: how many are known to be lost" },
        }),
      }),
      {
        type: "object",
        required: ["payload"],
        properties: {
          position: count("Its place in the channel"),
          id: { ...ID, description: "Of a kept message" },
          time: time("When a kept message was published"),
          payload: { type: "string", contentEncoding: "base64" },
        },
      },
      object({ lost: count("Messages that will not come") }),
    ],
  },
  CodedRefusal: object(
    {
      error: object({
        code: word("A code of ringmq, or BAD_QUERY for a parameter, BAD_BODY or BAD_CONTENT_TYPE for a body"),
        text: word("Why, for people"),
      }),
    },
    "A refusal of an operator's request, and of the console",
  ),
  Finding: object(
    {
      code: word("What it is: the protocol has the list, to which later versions add"),
      queue: { type: ["string", "null"], description: "The bind key of the queue; null: the topic as a whole" },
      text: word("A sentence for people"),
      details: { type: "object", additionalProperties: true, description: "The numbers of the sentence, by name" },
    },
    "Something that keeps messages from arriving, or that nothing does",
  ),
  MessageFailure: object(
    {
      number: count("Which failure of the message it was, from 1 on"),
      time: time("When"),
      how: word("`nacked`, `timed out`, `consumer gone` or `rejected`"),
      client: word("What the program calls itself that had the message"),
      text: word("What it said"),
    },
    "A delivery that has failed",
  ),
  FoundMessage: {
    type: "object",
    required: ["id", "retry", "reason", "delivery", "time", "routeKey", "failures", "headers"],
    properties: {
      id: ID,
      retry: count("Failed deliveries"),
      reason: word("Why it is dead; otherwise empty"),
      delivery: count("The number of its delivery while it is in flight, else 0"),
      time: time("When its lease ends, its delay or its ttl; when it died"),
      routeKey: word("The publisher's; empty: none"),
      failures: list({ $ref: "#/components/schemas/MessageFailure" }),
      headers: {
        type: ["object", "null"],
        additionalProperties: true,
        description: "Null: they cannot be read. Integers beyond 2^53 are text",
      },
      body: word("The body, where it is text"),
      bodyBase64: { type: "string", contentEncoding: "base64", description: "The body, where it is none" },
    },
    description: "A message that was found",
  },
  Found: object(
    {
      cursor: { type: ["string", "null"], description: "Where to go on; null: all were looked at" },
      scanned: count("Messages that were looked at"),
      scannedBytes: count("Bytes of them"),
      state: { enum: ["ready", "delayed", "in-flight", "dead", null], description: "Of all that were found" },
      messages: list({ $ref: "#/components/schemas/FoundMessage" }),
    },
    "What a search has found so far",
  ),
  DelayedCounts: object(
    {
      now: time("The broker's clock"),
      from: time("From when is counted"),
      to: time("And until when"),
      counts: { ...list(count("Messages")), description: "In parts of equal length of the time from `from` to `to`" },
      before: count("Messages that are due before `from`"),
      after: count("And after `to`"),
      first: { type: ["integer", "null"], description: "When the first of all is due; null: there are none" },
      last: { type: ["integer", "null"], description: "And the last" },
    },
    "How many delayed messages are due when",
  ),
  DeadLetterGroup: object(
    {
      reason: word("Why they are dead: `retries`, `expired`, `rejected` or `too old`"),
      how: word(
        "How their last delivery failed: `nacked`, `timed out`, `consumer gone` or `rejected`; empty: not known",
      ),
      client: word("What the program calls itself that had them then"),
      text: word("The first line of what was said last"),
      count: count("How many they are"),
      first: time("When the first of them died"),
      last: time("And the last"),
      example: { ...ID, description: "The id of one of them" },
    },
    "Dead letters that have died alike",
  ),
  DeadLetterGroups: object({
    groups: list({ $ref: "#/components/schemas/DeadLetterGroup" }),
    rest: count("Dead letters of other groups"),
  }),
  HistoryEvent: object(
    {
      what: {
        enum: ["published", "kept", "failed", "ready", "redriven", "delayed", "dead", "gone"],
        description: "`kept`: the journal was compacted, and it was in that state",
      },
      queue: word("The bind key of its queue; empty: one that is not there any more"),
      time: time("When"),
      after: time("Where that is not recorded: it was after this"),
      before: time("And before this"),
      retry: count("Failed deliveries by then"),
      due: time("Until when it was delayed"),
      reason: word("Why it died: `retries`, `expired`, `rejected` or `too old`; otherwise empty"),
      number: count("Which of its failures it was, from 1 on; otherwise 0"),
      how: word("`nacked`, `timed out`, `consumer gone` or `rejected`; otherwise empty"),
      client: word("What the program calls itself that had the message"),
      text: word("What it said"),
    },
    "Something that has happened to a message",
  ),
  HistoryCopy: object(
    {
      queue: NAME,
      state: { enum: ["ready", "delayed", "in-flight", "dead"] },
      retry: count("Failed deliveries"),
      reason: word("Why it is dead; otherwise empty"),
      time: time("When its lease ends, its delay or its ttl; when it died"),
      client: word("Who has it in flight: what the program calls itself"),
      connection: count("The id of its connection; 0: it was popped, or is not in flight"),
    },
    "A message in a queue where it is now",
  ),
  HistoryOrigin: object(
    {
      routeKey: word("Its route key"),
      due: time("Until when it was delayed"),
      expiry: time("When it expires"),
      producer: word("Who has numbered it; empty: nobody"),
      sequence: count("Its number"),
      key: word("Its key; empty: it has none"),
    },
    "What came with its batch",
  ),
  History: object({
    id: ID,
    topic: NAME,
    published: time("When, by its id"),
    origin: { anyOf: [{ $ref: "#/components/schemas/HistoryOrigin" }, { type: "null" }] },
    copies: list({ $ref: "#/components/schemas/HistoryCopy" }),
    events: list({ $ref: "#/components/schemas/HistoryEvent" }),
    unknown: {
      ...list(object({ code: word("What cannot be told"), text: word("Why") })),
      description: "What the broker cannot tell",
    },
  }),
  Connection: object(
    {
      id: { type: "integer", minimum: 1 },
      protocol: word("`tcp`, `tls`, `websocket`, `grpc`, `http`, or the name of a front end"),
      address: word("Who is at the other end"),
      user: word("Who it has shown to be; empty: nobody"),
      name: word("What its client calls itself; empty: it has not said"),
      since: time("When it was opened"),
      unanswered: count("Requests that are not answered"),
      consumers: count("Consumers and responders"),
      subscriptions: count("Subscriptions to channels"),
      unsentBytes: count("What its client has not taken"),
      waitingBytes: count("Of its requests, what waits for busy shards"),
      held: { type: "boolean", description: "Its client has taken so little that its deliveries wait" },
      receivedBytes: count("Bytes of frames so far"),
      sentBytes: count("Bytes of frames so far"),
      receivedRate: { type: "number", minimum: 0, description: "Bytes a second, of about the last second" },
      sentRate: { type: "number", minimum: 0, description: "Bytes a second, of about the last second" },
    },
    "A connection, of whatever protocol",
  ),
  Consumer: object(
    {
      number: count("Among those of its shard"),
      connection: count("The id of its connection"),
      client: word("What its program calls itself; empty: it has not said"),
      topic: NAME,
      queue: NAME,
      pop: { type: "boolean", description: "It is a pop that waits" },
      state: { enum: ["waiting", "no-credit", "held", "stopped"] },
      credit: {
        type: "integer",
        description: "Messages that it may still be sent. Below 0: so many that it gives back do not count",
      },
      inFlight: count("Messages that it holds"),
    },
    "Who takes messages",
  ),
} as const satisfies Readonly<Record<string, Schema>>;

export const schema = (name: keyof typeof SCHEMAS): Reference & Schema => ({ $ref: `#/components/schemas/${name}` });

const REFUSAL = schema("Refusal");

export const RESPONSES = {
  BadRequest: answer("Its end or its host cannot be told for certain; the connection is closed", REFUSAL),
  Unauthorized: {
    ...answer("The broker has users, and the request shows no token of one", REFUSAL),
    headers: { "WWW-Authenticate": { description: "The scheme", schema: { const: "Bearer" } } },
  },
  Forbidden: answer("The user's permissions do not allow this, or a page of another site has asked", REFUSAL),
  MethodNotAllowed: {
    ...answer("The path does not take this method", REFUSAL),
    headers: { Allow: { description: "The methods that it takes", schema: { type: "string" } } },
  },
  TooManyRequests: {
    ...answer("The user publishes more than its limits allow", REFUSAL),
    headers: { "Retry-After": { description: "Seconds", schema: { type: "integer", minimum: 0 } } },
  },
  Failed: answer("A fault of the broker, whose log says why", REFUSAL),
  Unavailable: answer("The broker is starting or stopping", REFUSAL),
} as const satisfies Readonly<Record<string, Response>>;

const response = (name: keyof typeof RESPONSES): Reference => ({ $ref: `#/components/responses/${name}` });

/** What may become of every request. */
export const ALWAYS = { "400": response("BadRequest"), "403": response("Forbidden"), "500": response("Failed") };

/** What may become of one to which not everybody has a right, at a time when the broker is not there for it. */
export const GUARDED = { ...ALWAYS, "401": response("Unauthorized"), "503": response("Unavailable") };

export const NOT_ALLOWED = { "405": response("MethodNotAllowed") };

export const PUBLISHING = { ...GUARDED, "429": response("TooManyRequests") };

export const SECURITY_SCHEMES = {
  bearer: { type: "http", scheme: "bearer", description: "A token, as `ringmq token` makes it" },
  basic: { type: "http", scheme: "basic", description: "A token as the user or as the password: `http://token@host`" },
  access_token: {
    type: "apiKey",
    in: "query",
    name: "access_token",
    description: "A token in the query, for clients that can set no header",
  },
  certificate: { type: "mutualTLS", description: "The certificate of a client, where the broker asks for one" },
} as const;
