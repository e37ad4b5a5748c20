/**
 * The limits of the protocol and their defaults. docs/protocol.md says what happens past each.
 */

/** A message: its headers and body, in bytes. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** A frame: the largest message, and its head. */
export const MAX_FRAME_BYTES = MAX_MESSAGE_BYTES + 64 * 1024;

/**
 * A WebSocket message from a client; a longer frame is split over several. A partly received message is held where the
 * broker cannot count it, so each WebSocket reserves this much: 160 MiB for 10,000 of them.
 */
export const MAX_WEBSOCKET_MESSAGE_BYTES = 16 * 1024;

/** A frame before HELLO is answered. */
export const MAX_GREETING_BYTES = 4 * 1024;

/** Messages in a batch: the ids of one millisecond (12 bits of sequence), so that a batch has consecutive ids. */
export const MAX_BATCH_MESSAGES = 4096;

/** Messages that one request may select: bounds the look-ups that a frame can cause. */
export const MAX_SELECTED = 65_536;

/** Unanswered requests of one connection. */
export const MAX_IN_FLIGHT = 65_536;

/** Bytes of a topic's, channel's or queue's name: a run has one byte for the length of a route key. */
export const MAX_NAME_BYTES = 255;

/** Bytes of what a client calls itself: more of it says nothing. */
export const MAX_CLIENT_NAME = 255;

/** Default for the bytes that a POP, a CONSUME or a BROWSE gathers in one frame. */
export const DEFAULT_POP_BYTES = 1024 * 1024;

/** How long a POP may wait: a day, in milliseconds. */
export const MAX_POP_WAIT = 24 * 3600 * 1000;

/** Messages that a BROWSE shows at most. */
export const MAX_BROWSE = 1000;

/** What a FIND looks at until it answers, whether it has found something or not: messages, and bytes of them. */
export const MAX_FIND_MESSAGES = 100_000;
export const MAX_FIND_BYTES = 64 * 1024 * 1024;

/** Parts of time that a DELAYED counts messages by. */
export const DEFAULT_PARTS = 60;
export const MAX_PARTS = 1000;

/** Bytes of a text that a FIND looks for, or of the name or the value of a header. */
export const MAX_FIND_TEXT = 255;

/** Ten years: the longest delay, ttl and TTR, in milliseconds. */
export const MAX_DELAY = 10 * 365 * 24 * 3600 * 1000;

/** How far a subscriber of a channel may fall behind before its policy applies. */
export const BACKLOG_MESSAGES = 8192;
export const BACKLOG_BYTES = 4 * 1024 * 1024;

/** The longest history of a channel: what it takes is held for it, whether anybody asks or not. */
export const MAX_HISTORY = 65_536;
export const MAX_HISTORY_BYTES = 16 * 1024 * 1024;

/** The history of a channel that was asked for one: messages, bytes, and milliseconds without a subscriber. */
export const DEFAULT_HISTORY = 1000;
export const DEFAULT_HISTORY_BYTES = 1024 * 1024;
export const DEFAULT_HISTORY_IDLE = 60_000;

/** The most retries that a topic may allow: one more must fit into 16 bits. */
export const MAX_RETRIES = 65_534;

/** The TTR in milliseconds and the retries of a topic that nobody has configured, unless the broker was told others. */
export const DEFAULT_TTR = 60_000;
export const DEFAULT_RETRIES = 5;

/** By how much the delay of each retry is longer than that of the one before, and the most that a topic may say. */
export const DEFAULT_RETRY_FACTOR = 2;
export const MAX_RETRY_FACTOR = 1000;

/** What a topic remembers of a producer that numbers its messages: milliseconds, and messages. */
export const DEFAULT_DEDUP_WINDOW = 600_000;
export const DEFAULT_DEDUP_MESSAGES = 100_000;
export const MAX_DEDUP_MESSAGES = 1_000_000;

/** Producers that a topic remembers at a time. */
export const MAX_PRODUCERS = 65_536;

/** Keys that a topic knows at a time, and the most that it may be told to. */
export const DEFAULT_MAX_KEYS = 1_000_000;
export const MAX_KEYS = 16_777_216;

/** Keys that one request may name. */
export const MAX_NAMED_KEYS = 4096;

/** The queue of messages without a route key. */
export const DEFAULT_KEY = "default";

/** How long a call waits for its reply unless it says otherwise, and at most: a day. Milliseconds. */
export const DEFAULT_CALL_TIMEOUT = 10_000;
export const MAX_CALL_TIMEOUT = 24 * 3600 * 1000;

/** Calls that the responders of one connection may have at a time, all together. */
export const MAX_CALL_CREDIT = 16_384;

/** What a requester is told of an error of a responder's program: bytes of its name and of its message. */
export const MAX_FAILURE_NAME_BYTES = 255;
export const MAX_FAILURE_TEXT_BYTES = 4 * 1024;
