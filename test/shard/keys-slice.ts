/** Keys as a request has them. */
export const keysSlice = (keys: readonly string[]): Uint8Array =>
  new Uint8Array(
    Buffer.concat(keys.map((key) => Buffer.concat([Buffer.of(Buffer.byteLength(key)), Buffer.from(key)]))),
  );
