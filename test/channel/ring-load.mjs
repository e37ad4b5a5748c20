/** The messages of ring-threads.test.ts: size and bytes of message `i`. */

/** Longer than the test's rings, so that some messages are fragmented and fill them. */
export const LARGEST = 5000;

/** Mostly small, at times longer than the ring. */
export const payloadBytes = (i) => (i % 97 === 96 ? LARGEST - (i % 50) : (i * 31) % 150);

const byteAt = (i, at) => (i * 13 + at * 7) & 0xff;

export const fillPayload = (i, payload) => {
  for (let at = payloadBytes(i) - 1; at >= 0; at--) payload[at] = byteAt(i, at);
};

export const verifyPayload = (i, bytes, start, end) => {
  if (end - start !== payloadBytes(i)) throw new Error(`message ${i} has ${end - start} bytes, not ${payloadBytes(i)}`);
  for (let at = start; at < end; at++) {
    if (bytes[at] !== byteAt(i, at - start)) throw new Error(`byte ${at - start} of message ${i} is ${bytes[at]}`);
  }
};
