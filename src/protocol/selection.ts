/**
 * Selections: which messages a request speaks of; faults: which of them it could not settle; receipts: what a CONFIRM
 * tells. Each is an array of records of one size.
 *
 * ```
 *  selection   0 first id u64 | 8 count u32 | 12 delivery u32                    16 bytes
 *  fault       0 first id u64 | 8 count u32 | 12 code u16 | 14 zero u16          16 bytes
 *  receipt     0 request u32 | 4 requests u32 | 8 first id u64 | 16 messages u32 20 bytes
 * ```
 */
export const SELECTION_BYTES = 16;
export const FIRST_ID_HIGH = 0;
export const FIRST_ID_LOW = 4;
export const COUNT = 8;
/** Of a selection: the number of the delivery that handed the messages over, or 0 for whoever holds them. */
export const DELIVERY = 12;

export const FAULT_BYTES = 16;
/** Of a fault: the error code. */
export const CODE = 12;

export const RECEIPT_BYTES = 20;
export const RECEIPT_REQUEST = 0;
export const RECEIPT_REQUESTS = 4;
export const RECEIPT_ID_HIGH = 8;
export const RECEIPT_ID_LOW = 12;
export const RECEIPT_MESSAGES = 16;
