/**
 * The records in which bytes travel between two threads: many lanes in one batch, a batch in one message of a port.
 *
 * ```
 *  0           4           8           12            12+size
 *  +-----------+-----------+-----------+-------------+
 *  | lane u32  | kind u32  | size u32  | bytes       |     repeated to the end of the batch;
 *  +-----------+-----------+-----------+-------------+     all numbers are big-endian
 * ```
 *
 * | kind  | size               |                                                                                |
 * | ----- | ------------------ | ------------------------------------------------------------------------------ |
 * | OPEN  | of the bytes       | a lane begins; the bytes are for the other side to know it by                  |
 * | DATA  | of the bytes       | the next bytes of the lane's stream                                            |
 * | DONE  | a number, no bytes | so many more bytes of the lane have been dealt with                            |
 * | END   | 0                  | nothing more comes; when both sides have said so the lane is gone              |
 * | RESET | 0                  | as END, and what has come and is not dealt with is of no use any more          |
 */
export const RecordKind = { OPEN: 0, DATA: 1, DONE: 2, END: 3, RESET: 4 } as const;

export const LANE = 0;
export const KIND = 4;
export const SIZE = 8;
export const RECORD_BYTES = 12;
