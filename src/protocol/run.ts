/**
 * A run: consecutive messages that share everything but their bytes. The payload of MESSAGES is runs.
 *
 * ```
 *  0            8         12        16          20       22       23       24           32        32+k
 *  +------------+---------+---------+-----------+--------+--------+--------+------------+---------+---------+
 *  | first id   | count   | bytes   | delivery  | retry  | reason | k u8   | time       | route   | entries |
 *  | u64        | u32     | u32     | u32       | u16    | u8     |        | f64        | key: k  | bytes   |
 *  +------------+---------+---------+-----------+--------+--------+--------+------------+---------+---------+
 * ```
 */
export const FIRST_ID_HIGH = 0;
export const FIRST_ID_LOW = 4;
export const COUNT = 8;
export const BYTES = 12;
export const DELIVERY = 16;
export const RETRY = 20;
export const REASON = 22;
export const KEY_LENGTH = 23;
/** When the lease ends, the delay is due or the message died: milliseconds since 1970, or 0. */
export const TIME = 24;
export const KEY = 32;

/** Why a dead letter died. */
export const Reason = { ALIVE: 0, RETRIES: 1, EXPIRED: 2, REJECTED: 3 } as const;
