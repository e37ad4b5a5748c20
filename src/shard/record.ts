/**
 * The record of a published batch in the log. What follows its header is what the publisher sent, byte for byte.
 *
 * ```
 *  0          4          8      9       10         11     12      16           24         32         40
 *  +----------+----------+------+-------+----------+------+-------+------------+----------+----------+
 *  | length   | checksum | type | topic | route key| 0    | count | first id   | due      | expiry   |
 *  | u32      | u32      | u8   | len u8| len u8   |      | u32   | u64        | f64      | f64      |
 *  +----------+----------+------+-------+----------+------+-------+------------+----------+----------+
 *  40: topic, route key, entries
 * ```
 *
 * `length` counts the whole record. `checksum` belongs to whoever writes the record to disk. `due` is when a delayed
 * batch is due, `expiry` when its time to live ends (milliseconds since 1970; 0: none).
 */
export const LENGTH = 0;
export const TYPE = 8;
export const TOPIC_LENGTH = 9;
export const KEY_LENGTH = 10;
export const COUNT = 12;
export const FIRST_ID_HIGH = 16;
export const FIRST_ID_LOW = 20;
export const DUE = 24;
export const EXPIRY = 32;
export const NAMES = 40;

export const RecordType = { PUBLISH: 1 } as const;
