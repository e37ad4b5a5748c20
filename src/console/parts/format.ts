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
    day: new Intl.DateTimeFormat(tag, { month: "short", day: "numeric" }),
    minute: new Intl.DateTimeFormat(tag, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
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

/** The units of lengths of time, the longest first. */
const LENGTHS = [86_400_000, 3_600_000, 60_000, 1_000, 1] as const;
const UNITS = { en: ["d", "h", "m", "s", "ms"], zh: ["天", "小时", "分", "秒", "毫秒"] } as const;

/** A length of time, about: `0 ms`, `850 ms`, `12 s`, `3 m 20 s`, `5 h 12 m`, `9 d 3 h`. Milliseconds. */
export const age = (milliseconds: number): string => {
  const units = UNITS[language.value];
  const whole = Math.max(0, Math.round(milliseconds));
  const first = LENGTHS.findIndex((length) => whole >= length);
  const length = LENGTHS[first];
  if (length === undefined) return `0 ${units.at(-1)}`;
  const large = Math.floor(whole / length);
  const next = LENGTHS[first + 1] ?? 1;
  const rest = Math.floor((whole % length) / next);
  // Milliseconds beside seconds are more than anybody reads.
  const isEnough = rest === 0 || next === 1 || large >= 100;
  return `${count(large)} ${units[first]}${isEnough ? "" : ` ${rest} ${units[first + 1]}`}`;
};

/** The time of day: `14:05:09`. Milliseconds since 1970. */
export const clock = (time: number): string => formats.value.time.format(time);

/** Day and time: `Nov 29, 2026, 14:05:09`. Milliseconds since 1970. */
export const moment = (time: number): string => formats.value.moment.format(time);

/** Of many days, where room is short: `14:05`, and `Nov 29` at its beginning. Milliseconds since 1970. */
export const shortMoment = (time: number): string => {
  const date = new Date(time);
  const { day, minute } = formats.value;
  return (date.getHours() === 0 && date.getMinutes() === 0 ? day : minute).format(time);
};
