/**
 * Lengths of time as people type them: `30s`, `1h 30m`, `500 ms`.
 */
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Whole milliseconds; undefined: it is no length of time. A plain number is milliseconds. */
export const parseDuration = (text: string): number | undefined => {
  const plain = text.trim().toLowerCase();
  if (/^\d{1,15}$/.test(plain)) return Number(plain);
  if (!/^(?:\d{1,12}(?:\.\d{1,6})?\s*(?:ms|s|m|h|d)\s*)+$/.test(plain)) return undefined;
  const parts = plain.matchAll(/(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)/g);
  return Math.round([...parts].reduce((sum, [, number, unit]) => sum + Number(number) * (UNITS[unit ?? ""] ?? 0), 0));
};

/** The inverse, exact: `1h 30m`, `1500ms`, `0`. */
export const durationText = (milliseconds: number): string => {
  let rest = milliseconds;
  const parts: string[] = [];
  for (const [unit, length] of Object.entries(UNITS).reverse()) {
    const number = Math.floor(rest / length);
    if (number > 0) parts.push(`${number}${unit}`);
    rest -= number * length;
  }
  return parts.length === 0 ? "0" : parts.join(" ");
};
