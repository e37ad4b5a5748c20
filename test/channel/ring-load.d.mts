export const LARGEST: number;
export const payloadBytes: (i: number) => number;
export const fillPayload: (i: number, payload: Uint8Array) => void;
export const verifyPayload: (i: number, bytes: Uint8Array, start: number, end: number) => void;
