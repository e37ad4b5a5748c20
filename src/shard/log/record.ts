/**
 * The records of a log: what they are in memory is what they are on disk, byte for byte.
 *
 * A record begins at a multiple of eight bytes, big-endian, with
 *
 * ```
 *  0          4          8      9                12
 *  +----------+----------+------+----------------+----
 *  | length   | checksum | type | by type        |
 *  | u32      | u32      | u8   |                |
 *  +----------+----------+------+----------------+----
 * ```
 *
 * `length` counts the whole record without the zeros up to the next one. `checksum` is XXH32 of the bytes from 8 to
 * `length`, seeded with the place of the record (see `checksumSeed`), so that a record of another file or of an earlier
 * use of the same file is never taken for one. It is 0 in memory and is set when the record is written.
 *
 * **Changing the format.** What a reader of `FORMAT_VERSION` would misread needs a new version: raise the number, let
 * the reader of src/journal know both, add a data directory of the version before to test/journal/fixtures, and say in
 * CHANGELOG.md from which release on it is read. A type number is never used again for something else.
 */

/** The version in the head of each segment. */
export const FORMAT_VERSION = 4;

/**
 * The oldest version that is read. Version 2 has channels, version 3 numbered batches and version 4 keyed ones and failures; what
 * they have in common with 1 is laid out in the same way.
 */
export const OLDEST_VERSION = 1;

/** "RMQJ": the first bytes of a segment's head behind the common ones. */
export const MAGIC = 0x524d_514a;

export const LENGTH = 0;
export const CHECKSUM = 4;
export const TYPE = 8;
/** The shortest record. */
export const MIN_BYTES = 16;

export const RecordType = {
  /** The head of a segment: its first record. */
  SEGMENT: 1,
  /** A published batch. */
  PUBLISH: 2,
  /** Messages that a compaction has kept, with their state. */
  KEEP: 3,
  /** Messages have a new state. */
  STATE: 4,
  /** A topic or queue was made, changed or deleted. */
  DIRECTORY: 5,
  /** Up to which millisecond ids may have been handed out. */
  IDS: 6,
  /** The end of a commit. */
  COMMIT: 7,
  /** The end of a segment. */
  SEAL: 8,
} as const;

/** Where the next record begins. */
export const align = (bytes: number): number => (bytes + 7) & ~7;

/** What the checksum of the record at `offset` of a segment begins with. */
export const checksumSeed = (sequence: number, offset: number): number =>
  (Math.imul(sequence, 0x9e37_79b1) + offset) >>> 0;

/**
 * SEGMENT
 *
 * ```
 *  8      9         10        12       16         20         24         32       34       36       40
 *  +------+---------+---------+--------+----------+----------+----------+--------+--------+--------+
 *  | type | version | 0       | magic  | sequence | replaces | created  | shard  | shards | 0      |
 *  | u8   | u8      | u16     | u32    | u32      | u32      | f64      | u16    | u16    | u32    |
 *  +------+---------+---------+--------+----------+----------+----------+--------+--------+--------+
 * ```
 *
 * Segments are numbered from 1. A compacted one stands for all from `replaces` to `sequence`; others have their own
 * number in both. The head of one that is not compacted is followed by the directory of that moment (DIRECTORY records)
 * and an IDS record, so that all segments before it can go. A long directory goes on between other records; each queue
 * is named before the first batch for it.
 */
export const VERSION = 9;
export const SEGMENT_MAGIC = 12;
export const SEQUENCE = 16;
export const REPLACES = 20;
export const CREATED = 24;
export const SHARD = 32;
export const SHARDS = 34;
export const SEGMENT_BYTES = 40;

/**
 * PUBLISH and KEEP
 *
 * ```
 *  8      9       10         11   12      14       16           24         32         40
 *  +------+-------+----------+----+-------+--------+------------+----------+----------+
 *  | type | topic | route key| kind| count| queues | first id   | due      | expiry   |
 *  | u8   | len u8| len u8   | u8 | u16   | u16    | u64        | f64      | f64      |
 *  +------+-------+----------+----+-------+--------+------------+----------+----------+
 *  40: topic, route key; then by type; then the entries, as the publisher sent them
 * ```
 *
 * `due` is when a delayed batch is due, `expiry` when its time to live ends (milliseconds since 1970; 0: none). PUBLISH
 * goes on with the number of each queue that the batch went to (u32). KEEP goes on with a claim for each queue that
 * still wants some of it, which says when that is due; its own `due` is that of the publish.
 *
 * `kind` is 0, or 1 for a batch of a kept channel. That has the channel's name for a topic, the key of its messages for a
 * route key, the number of the channel for a queue, and in the place of `expiry` its **base**: by how much the positions
 * of its messages are above the low words of their ids. So the position stays with a message when those before it are
 * dropped and the rest is moved.
 *
 * `kind` has 2 for a PUBLISH whose producer has numbered its messages. Behind the queues that says
 *
 * ```
 *  0          8          9
 *  +----------+----------+----------+
 *  | sequence | length   | producer |
 *  | f64      | u8       |          |
 *  +----------+----------+----------+
 * ```
 *
 * where `sequence` is the number of its first message; the others follow.
 *
 * `kind` has 4 for a batch some of whose messages have keys. Behind all that, or behind the claims of a KEEP, there are the
 * keys as src/protocol/keys.ts lays them out, one for each message, after the time until when they are known (milliseconds
 * since 1970; 0: until their messages are done):
 *
 * ```
 *  0          8          12
 *  +----------+----------+---------------------+
 *  | until    | bytes    | { length u8 | key } |
 *  | f64      | u32      |                     |
 *  +----------+----------+---------------------+
 * ```
 */
export const TOPIC_LENGTH = 9;
export const KEY_LENGTH = 10;
export const KIND = 11;
export const COUNT = 12;
export const QUEUES = 14;
export const FIRST_ID_HIGH = 16;
export const FIRST_ID_LOW = 20;
export const DUE = 24;
export const EXPIRY = 32;
export const POSITION_BASE = EXPIRY;
export const NAMES = 40;
export const QUEUE_BYTES = 4;

/** KIND of a batch: that of a topic may be NUMBERED and KEYED, or both. */
export const BatchKind = { TOPIC: 0, CHANNEL: 1, NUMBERED: 2, KEYED: 4 } as const;

/** What a NUMBERED batch has behind its queues. */
export const NUMBERED_SEQUENCE = 0;
export const NUMBERED_LENGTH = 8;
export const NUMBERED_PRODUCER = 9;

/** What a KEYED batch has behind that. */
export const KEYED_UNTIL = 0;
export const KEYED_BYTES = 8;
export const KEYED_KEYS = 12;

/** Whether a batch is NUMBERED or KEYED. */
export const isKind = (view: DataView, at: number, kind: number): boolean => (view.getUint8(at + KIND) & kind) !== 0;

/** Where the numbers of a PUBLISH's queues begin, or the claims of a KEEP. */
export const queuesOf = (view: DataView, at: number): number =>
  at + NAMES + view.getUint8(at + TOPIC_LENGTH) + view.getUint8(at + KEY_LENGTH);

/** Where the queues of a PUBLISH end: there a NUMBERED one goes on with its producer. */
export const queuesEnd = (view: DataView, at: number): number =>
  queuesOf(view, at) + view.getUint16(at + QUEUES) * QUEUE_BYTES;

/** Where the numbers of a PUBLISH end: there a KEYED one goes on with its keys. */
export const numbersEnd = (view: DataView, at: number): number => {
  const end = queuesEnd(view, at);
  return isKind(view, at, BatchKind.NUMBERED) ? end + NUMBERED_PRODUCER + view.getUint8(end + NUMBERED_LENGTH) : end;
};

/** Where the claims of a KEEP end: there a KEYED one goes on with its keys. */
export const claimsEnd = (view: DataView, at: number): number =>
  queuesOf(view, at) + view.getUint16(at + QUEUES) * CLAIM_BYTES;

const keysEnd = (view: DataView, at: number, keys: number): number =>
  isKind(view, at, BatchKind.KEYED) ? keys + KEYED_KEYS + view.getUint32(keys + KEYED_BYTES) : keys;

/** Where the entries of a PUBLISH begin. */
export const publishedEntries = (view: DataView, at: number): number => keysEnd(view, at, numbersEnd(view, at));

/** Where the entries of a KEEP begin. */
export const keptEntries = (view: DataView, at: number): number => keysEnd(view, at, claimsEnd(view, at));

/**
 * A claim of KEEP: the messages [first, first + span) of the record, as those of one extent.
 *
 * ```
 *  0          4        6       8        12      13      14      16       20       24         32
 *  +----------+--------+-------+--------+-------+-------+-------+--------+--------+----------+
 *  | queue    | first  | span  | mask   | state | reason| retry | flags  | 0      | time     |
 *  | u32      | u16    | u16   | u32    | u8    | u8    | u16   | u32    |        | f64      |
 *  +----------+--------+-------+--------+-------+-------+-------+--------+--------+----------+
 * ```
 *
 * `mask` is 0 for a fresh extent, otherwise bit (id & 31) says which messages are meant. `state` is READY, DELAYED or
 * DEAD of extent.ts, `flags` are those of an extent, `time` is when it is due or has died.
 */
export const CLAIM_QUEUE = 0;
export const CLAIM_FIRST = 4;
export const CLAIM_SPAN = 6;
export const CLAIM_MASK = 8;
export const CLAIM_STATE = 12;
export const CLAIM_REASON = 13;
export const CLAIM_RETRY = 14;
export const CLAIM_FLAGS = 16;
export const CLAIM_TIME = 24;
export const CLAIM_BYTES = 32;

/**
 * STATE: these messages of a queue are now in that state, whatever they were before. Being in flight is not recorded:
 * leases end with the broker.
 *
 * ```
 *  8      9       10       11      12      16      18      20      24         32
 *  +------+-------+--------+-------+-------+-------+-------+-------+----------+
 *  | type | state | reason | flags | queue | retry | f     | 0     | time     |
 *  | u8   | u8    | u8     | u8    | u32   | u16   | u16   | u32   | f64      |
 *  +------+-------+--------+-------+-------+-------+-------+-------+----------+
 *  32: f bytes of failures and zeros up to a multiple of four; ranges { first id u64 | count u32 } up to the end
 * ```
 *
 * `state` is one of extent.ts; FREE says that the messages are gone. READY puts them at the tail. `time` is when a
 * delayed message is due or when a dead one died. The failures, as src/protocol/failure.ts lays them out, are some that the
 * messages have had; those that are known already do no harm. UNCHANGED says that the messages have had these, and are
 * what they were.
 */
export const STATE = 9;
export const REASON = 10;
export const FLAGS = 11;
export const QUEUE = 12;
export const RETRY = 16;
export const FAILURES_LENGTH = 18;
export const TIME = 24;
export const FAILURES = 32;
/** STATE of messages that stay what they are. */
export const UNCHANGED = 0xff;
/** Where the ranges begin behind so many bytes of failures. */
export const rangesBehind = (failures: number): number => FAILURES + ((failures + 3) & ~3);
/** Where the ranges of the record at `at` begin. */
export const rangesOf = (view: DataView, at: number): number => at + rangesBehind(view.getUint16(at + FAILURES_LENGTH));
export const RANGE_ID_HIGH = 0;
export const RANGE_ID_LOW = 4;
export const RANGE_COUNT = 8;
export const RANGE_BYTES = 12;

/**
 * DIRECTORY: 16: a msgpack array, `["topic", name, config, startTime]`,
 * `["queue", number, topic, bindKey, paused, declared]`, `["channel", number, name, config, epoch, next]`,
 * `["producer", topic, name, floor, runs, usedAt]`, `["keys", topic, keys]`, `["producer forgotten", topic, name]`,
 * `["queue deleted", number]` or `["topic deleted", name]`. The first three also change what exists. The fourth adds to what is remembered of a producer (see
 * producer-window.ts), the fifth to the keys that are known for a window (see message-keys.ts). A channel has a
 * number among those of queues and is deleted like one. `next` is the position of its next message, unless records behind
 * this one say that it is higher. Everything that exists is named between `["checkpoint"]` and `["complete"]`, with
 * other records in between. A topic that nobody has configured has an empty `config`, in older files the default one.
 * `declared` is missing in older files: then all queues but `default` were declared.
 */
export const DIRECTORY_BODY = 16;

/** IDS: 16: f64, a millisecond since the `EPOCH` of ids. */
export const CEILING = 16;
export const IDS_BYTES = 24;

/**
 * COMMIT: 16: f64, the bytes of this segment that were known to be on disk when it was written. A reader that finds
 * something broken before that place has found damage; behind it, the torn end of what was never confirmed.
 */
export const DURABLE = 16;
export const COMMIT_BYTES = 24;

/** SEAL has no fields. A segment without it is the last one. */
export const SEAL_BYTES = 16;
