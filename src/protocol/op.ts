/**
 * The operations of the native protocol: the `op` byte of a frame. docs/protocol.md says what each takes and answers.
 */

/** What a client sends. HELLO is sent by both sides. */
export const Op = {
  HELLO: 0x01,
  PING: 0x02,
  PUBLISH: 0x10,
  POP: 0x11,
  CONSUME: 0x12,
  CREDIT: 0x13,
  STOP: 0x14,
  SEEN: 0x15,
  ANSWERED: 0x16,
  ACK: 0x20,
  NACK: 0x21,
  TOUCH: 0x22,
  RELEASE: 0x23,
  CANCEL: 0x30,
  RESCHEDULE: 0x31,
  POP_DEAD: 0x38,
  REDRIVE: 0x39,
  DEAD_GROUPS: 0x3a,
  CONFIGURE: 0x40,
  DECLARE_QUEUE: 0x41,
  DELETE_QUEUE: 0x42,
  DELETE_TOPIC: 0x43,
  PURGE: 0x44,
  PAUSE: 0x45,
  RESUME: 0x46,
  BROWSE: 0x48,
  STATS: 0x49,
  TOPICS: 0x4a,
  LOOKUP: 0x4b,
  CONSUMERS: 0x4c,
  EXPLAIN: 0x4d,
  FIND: 0x4e,
  DELAYED: 0x4f,
  SUBSCRIBE: 0x50,
  UNSUBSCRIBE: 0x51,
  PUBLISH_CHANNEL: 0x52,
  CHANNEL_CREDIT: 0x53,
  CONFIGURE_CHANNEL: 0x54,
  DELETE_CHANNEL: 0x55,
  CHANNEL_STATS: 0x56,
  CHANNELS: 0x57,
  RESPOND: 0x58,
  STOP_RESPONDING: 0x59,
  CALL: 0x5a,
  ABANDON: 0x5b,
  REPLY: 0x5c,
  FAIL: 0x5d,
  BACKUP: 0x60,
  CONNECTIONS: 0x61,
  CLOSE_CONNECTION: 0x62,
  HISTORY: 0x63,
  WATCH: 0x64,
  UNWATCH: 0x65,
} as const;

/** What the broker sends: answers, deliveries, events. */
export const Answer = {
  CONFIRM: 0x80,
  MESSAGES: 0x81,
  RESULT: 0x82,
  ERROR: 0x83,
  SETTLED: 0x84,
  CHANNEL_MESSAGES: 0x85,
  CHANNEL_LOST: 0x86,
  CONSUMER_CLOSED: 0x87,
  GOODBYE: 0x88,
  CALLED: 0x89,
  ABANDONED: 0x8a,
  REPLIED: 0x8b,
  SAMPLE: 0x8c,
} as const;

/** Flag of CONSUME: a message that the consumer no longer holds gives its credit back. */
export const RENEW = 1;

/** Flag of CONSUME: the client reports, with SEEN, how far its program has come. */
export const REPORTS = 2;

/** Flag of SEEN: renews the leases of what lies ahead. */
export const AHEAD = 1;

/** Flag of STOP: what lies ahead is given back. */
export const GIVE_BACK = 1;

/** Flag of BROWSE, FIND and POP_DEAD: with the histories of the messages. */
export const WITH_FAILURES = 1;

/** Flag of PUBLISH: its messages are taken or refused one by one, not as a whole. */
export const ONE_BY_ONE = 1;

/** Flag of CANCEL, RESCHEDULE and LOOKUP: they name messages by their keys. */
export const BY_KEY = 1;

/** Flag of LOOKUP: with the failures of the message and who holds it, queue by queue. */
export const WITH_HISTORY = 2;

/** Flag of CONFIRM, beside its `Durability`: the messages had been taken before. */
export const DUPLICATE = 4;

/** The protocol version in HELLO. Raised by a change that an older peer would misread. */
export const PROTOCOL_VERSION = 1;

/** How durable a confirmed message is: in the `flags` of CONFIRM. */
export const Durability = { memory: 1, write: 2, fsync: 3 } as const;
