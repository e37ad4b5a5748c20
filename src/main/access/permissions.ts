/** What each request needs: the one table that decides it, whichever protocol brings the request. */
import { Op } from "../../protocol/op.js";
import type { PermissionName } from "../user-options.js";

/** Rights to a topic, a channel or the calls of a channel: a set of bits. */
export const Permission = { publish: 1, consume: 2, manage: 4, operate: 8 } as const satisfies Record<
  PermissionName,
  number
>;

const { publish, consume, manage, operate } = Permission;

/** Whoever may do anything with it may know that it is there. */
const ANY = publish | consume | manage | operate;

/** What is of the client alone: its greeting, its own calls and what it was asked. Lists show what their reader may know of. */
const NOTHING = 0;

/**
 * Any one of these rights will do. A request that is not here does not compile. Those that need `operate` and no other are
 * about the broker, and name no topic.
 */
export const NEEDS: Readonly<Record<keyof typeof Op, number>> = {
  HELLO: NOTHING,
  PING: NOTHING,
  PUBLISH: publish,
  POP: consume,
  CONSUME: consume,
  CREDIT: consume,
  STOP: consume,
  SEEN: consume,
  ANSWERED: publish,
  // Who may look after dead letters pops some, and settles them.
  ACK: consume | manage,
  NACK: consume | manage,
  TOUCH: consume | manage,
  RELEASE: consume | manage,
  CANCEL: manage,
  RESCHEDULE: manage,
  POP_DEAD: manage,
  REDRIVE: manage,
  CONFIGURE: manage,
  DECLARE_QUEUE: manage,
  DELETE_QUEUE: manage,
  DELETE_TOPIC: manage,
  PURGE: manage,
  PAUSE: manage,
  RESUME: manage,
  BROWSE: consume | manage,
  FIND: consume | manage,
  DELAYED: consume | manage,
  DEAD_GROUPS: consume | manage,
  STATS: ANY,
  EXPLAIN: ANY,
  CONSUMERS: operate,
  TOPICS: NOTHING,
  LOOKUP: consume | manage,
  SUBSCRIBE: consume,
  UNSUBSCRIBE: consume,
  PUBLISH_CHANNEL: publish,
  CHANNEL_CREDIT: consume,
  CONFIGURE_CHANNEL: manage,
  DELETE_CHANNEL: manage,
  CHANNEL_STATS: ANY,
  CHANNELS: NOTHING,
  RESPOND: consume,
  STOP_RESPONDING: consume,
  CALL: publish,
  ABANDON: NOTHING,
  REPLY: NOTHING,
  FAIL: NOTHING,
  BACKUP: operate,
  CONNECTIONS: operate,
  CLOSE_CONNECTION: operate,
  HISTORY: consume | manage,
  WATCH: operate,
  UNWATCH: operate,
};

/** The same by the `op` byte. What is no request needs nothing, and is refused as such. */
const needs = new Uint8Array(256);
for (const [name, op] of Object.entries(Op)) needs[op] = NEEDS[name as keyof typeof Op];

export const NEEDS_BY_OP: Readonly<Uint8Array> = needs;

/** Requests that a user's rate of publishing counts. */
export const isPublish = (op: number): boolean => op === Op.PUBLISH || op === Op.PUBLISH_CHANNEL || op === Op.CALL;
