/**
 * Numbers, sizes and times as the reader's language writes them.
 */
import { computed } from "@preact/signals";
import { language } from "../base/language.js";

const formats = computed(() => {
  const tag = language.value === "zh" ? "zh-Hans" : "en";
  return {
    whole: new Intl.NumberFormat(tag, { maximumFractionDigits: 0 }),
    short: new Intl.NumberFormat(tag, { notation: "compact", maximumSignificantDigits: 3 }),
    few: new Intl.NumberFormat(tag, { maximumFractionDigits: 1 }),
    percent: new Intl.NumberFormat(tag, { style: "percent", maximumFractionDigits: 0 }),
    time: new Intl.DateTimeFormat(tag, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
    moment: new Intl.DateTimeFormat(tag, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" }),
  };
});

/** `12,345`. */
export const count = (value: number): string => formats.value.whole.format(value);

/** `12.3K`, where room is short. */
export const shortCount = (value: number): string => formats.value.short.format(value);

/** Of a second: `0`, `3.5`, `1,240`. */
export const rate = (value: number): string =>
  value < 100 ? formats.value.few.format(value) : formats.value.whole.format(value);

/** A share of 1: `25%`. */
export const percent = (share: number): string => formats.value.percent.format(share);

const SIZES = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `812 B`, `45.2 MiB`. */
export const bytes = (value: number): string => {
  let size = value;
  let unit = 0;
  while (Math.abs(size) >= 1_024 && unit < SIZES.length - 1) {
    size /= 1_024;
    unit++;
  }
  const text = unit === 0 || size >= 100 ? formats.value.whole.format(size) : formats.value.few.format(size);
  return `${text} ${SIZES[unit]}`;
};

const LENGTHS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** A length of time, about: `0 ms`, `850 ms`, `12 s`, `3 m 20 s`, `5 h 12 m`, `9 d 3 h`. Milliseconds. */
export const age = (milliseconds: number): string => {
  const whole = Math.max(0, Math.round(milliseconds));
  const first = LENGTHS.findIndex(([, length]) => whole >= length);
  const [unit, length] = LENGTHS[first] ?? ["ms", 1];
  const large = Math.floor(whole / length);
  const next = LENGTHS[first + 1];
  if (first < 0 || next === undefined || large >= 100) return `${count(large)} ${unit}`;
  const rest = Math.floor((whole % length) / next[1]);
  return rest === 0 ? `${large} ${unit}` : `${large} ${unit} ${rest} ${next[0]}`;
};

/** The time of day: `14:05:09`. Milliseconds since 1970. */
export const clock = (time: number): string => formats.value.time.format(time);

/** Day and time: `Nov 29, 2026, 14:05:09`. Milliseconds since 1970. */
export const moment = (time: number): string => formats.value.moment.format(time);
