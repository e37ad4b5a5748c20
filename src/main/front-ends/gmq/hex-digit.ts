/** Hex digits of escapes, in URLs and in JSON. */

/** The value of a hex digit, or a number that makes any sum with it negative. */
export const hexDigit = (code: number | undefined): number => {
  if (code === undefined) return -1000;
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1000;
};
