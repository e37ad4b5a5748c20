/** Parses and formats sizes, times and addresses on a command line. Parsers throw InvalidArgumentError. */
import { InvalidArgumentError } from "commander";
import { type Address, DEFAULT_HOST } from "../main/options.js";

const BYTES: Readonly<Record<string, number>> = { "": 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
const MILLISECONDS: Readonly<Record<string, number>> = { "": 1, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

const ALL_INTERFACES = "::";
export const MAX_PORT = 65_535;

export const parseCount = (text: string): number => {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("It must be a whole number, such as 1024.");
  return Number(text);
};

/** `2`, `0.25`. */
export const parseNumber = (text: string): number => {
  if (!/^\d{1,15}(\.\d{1,15})?$/.test(text)) throw new InvalidArgumentError("It must be a number, such as 2 or 0.25.");
  return Number(text);
};

/** `256mb`, `64k`, `1073741824`: units are powers of 1,024. */
export const parseSize = (text: string): number => {
  const [, digits, unit = ""] = /^(\d{1,15}(?:\.\d{1,6})?)\s*(?:([kmgt])(?:i?b)?|b)?$/i.exec(text) ?? [];
  const factor = BYTES[unit.toLowerCase()];
  if (digits === undefined || factor === undefined) {
    throw new InvalidArgumentError("It must be a size, such as 256mb, 64kb or 1048576 (bytes).");
  }
  if (factor === 1 && digits.includes(".")) {
    throw new InvalidArgumentError("It must be a whole number of bytes, or have a unit, such as 1.5mb.");
  }
  return Math.floor(Number(digits) * factor);
};

/** The inverse of `parseSize`. */
export const sizeText = (bytes: number): string => {
  for (const [unit, size] of [
    ["gb", 2 ** 30],
    ["mb", 2 ** 20],
    ["kb", 2 ** 10],
  ] as const) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
};

/** The inverse of `parseDuration`. */
export const durationText = (milliseconds: number): string => {
  for (const [unit, length] of [
    ["m", 60_000],
    ["s", 1_000],
  ] as const) {
    if (milliseconds >= length && milliseconds % length === 0) return `${milliseconds / length}${unit}`;
  }
  return `${milliseconds}ms`;
};

/** About how long: `12s`, `3m`, `5h`, `9d`. */
export const ageText = (milliseconds: number): string => {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  for (const [unit, length] of [
    ["d", 86_400],
    ["h", 3_600],
    ["m", 60],
  ] as const) {
    if (seconds >= length) return `${Math.floor(seconds / length)}${unit}`;
  }
  return `${seconds}s`;
};

/** `10s`, `500ms`, `2m`; a plain number is milliseconds. */
export const parseDuration = (text: string): number => {
  const [, digits, unit = ""] = /^(\d{1,16})\s*(ms|s|m|h)?$/i.exec(text) ?? [];
  const factor = MILLISECONDS[unit.toLowerCase()];
  if (digits === undefined || factor === undefined) {
    throw new InvalidArgumentError("It must be a time, such as 10s, 500ms or 2m.");
  }
  return Number(digits) * factor;
};

/** `host:port`, `[IPv6]:port`, `:port` or a port; undefined: it is none of them. */
export const addressOf = (text: string): Address | undefined => {
  const [, bracketed, plain, digits = ""] = /^(?:\[([^\]]+)\]:|([^:[\]]*):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port > MAX_PORT) return undefined;
  const host = bracketed ?? plain ?? DEFAULT_HOST;
  return { host: host === "" ? ALL_INTERFACES : host, port };
};

/**
 * An address to listen on: `host:port`, `[IPv6]:port`, `:port` for all interfaces, a port for this machine, or `off`.
 */
export const parseAddress = (text: string): Address | "off" => {
  const address = text === "off" ? text : addressOf(text);
  if (address !== undefined) return address;
  throw new InvalidArgumentError(
    `It must be host:port, [IPv6]:port, :port (all interfaces), port (this machine) or off, with a port up to ${MAX_PORT}.`,
  );
};

/** As for `ringmq serve`, for programs that cannot do without a port. */
export const parseListenAddress = (text: string): Address => {
  const address = addressOf(text.trim());
  if (address !== undefined) return address;
  throw new InvalidArgumentError(
    `It must be an address: host:port, [IPv6]:port, or :port for all interfaces, with a port up to ${MAX_PORT}.`,
  );
};

/** An address to connect to: for a broker on all interfaces, the one of this machine. */
export const parsePeer = (text: string): Address => {
  const address = addressOf(text);
  if (address !== undefined) return address.host === ALL_INTERFACES ? { ...address, host: DEFAULT_HOST } : address;
  throw new InvalidArgumentError(
    `It must be host:port, [IPv6]:port, or :port or port (this machine), with a port up to ${MAX_PORT}.`,
  );
};

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const;

/** `1023 bytes`, `4.0 KiB`, `45.2 MiB`. */
export const formatSize = (bytes: number): string => {
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${UNITS[unit]}`;
};

/** `a,b`; repeated flags add to the list. */
export const parseList = (text: string, before: readonly string[] | undefined): readonly string[] => {
  const entries = text.split(",").map((entry) => entry.trim());
  if (entries.includes("")) throw new InvalidArgumentError("It must be a name, or several with commas between them.");
  return [...(before ?? []), ...entries];
};

/** `1 shard`, `2 shards`. */
export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
