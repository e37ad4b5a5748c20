/** What the main thread does with each request: the `op` byte as an index. */
import { Op } from "../../protocol/op.js";

export const RequestKind = {
  UNKNOWN: 0,
  /** Goes to a shard and is answered once. */
  ROUTED: 1,
  /** As ROUTED, and begins or ends a consumer or a subscription. */
  LASTING: 2,
  /** Goes to a shard and has no answer. */
  UNANSWERED: 3,
  HELLO: 4,
  PING: 5,
  /** About the broker itself: answered by the main thread, perhaps after a while. */
  BROKER: 6,
  /** About calls, and answered by the main thread. */
  CALL: 7,
  /** About calls, and without an answer. */
  CALL_NOTE: 8,
} as const;

const kindOf = (op: number): number => {
  switch (op) {
    case Op.HELLO:
      return RequestKind.HELLO;
    case Op.PING:
      return RequestKind.PING;
    case Op.BACKUP:
    case Op.CONNECTIONS:
    case Op.CLOSE_CONNECTION:
    case Op.HISTORY:
    case Op.WATCH:
    case Op.UNWATCH:
      return RequestKind.BROKER;
    case Op.RESPOND:
    case Op.STOP_RESPONDING:
    case Op.CALL:
      return RequestKind.CALL;
    case Op.ABANDON:
    case Op.REPLY:
    case Op.FAIL:
      return RequestKind.CALL_NOTE;
    case Op.CREDIT:
    case Op.SEEN:
    case Op.ANSWERED:
    case Op.CHANNEL_CREDIT:
      return RequestKind.UNANSWERED;
    case Op.CONSUME:
    case Op.STOP:
    case Op.SUBSCRIBE:
    case Op.UNSUBSCRIBE:
      return RequestKind.LASTING;
    default:
      return RequestKind.ROUTED;
  }
};

const kinds = new Uint8Array(256);
for (const op of Object.values(Op)) kinds[op] = kindOf(op);

export const REQUEST_KINDS: Readonly<Uint8Array> = kinds;

/** Before HELLO there is no other request. */
export const KINDS_BEFORE_HELLO: Readonly<Uint8Array> = new Uint8Array(256).map((_, op) =>
  op === Op.HELLO ? RequestKind.HELLO : RequestKind.UNKNOWN,
);
