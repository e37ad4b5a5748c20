/** What people write on a command line: sizes, times and addresses. Each throws InvalidArgumentError with what is expected. */
import { InvalidArgumentError } from "commander";
import { type Address, DEFAULT_HOST } from "../main/options.js";

const BYTES: Readonly<Record<string, number>> = { "": 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
const MILLISECONDS: Readonly<Record<string, number>> = { "": 1, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

const ALL_INTERFACES = "::";
const MAX_PORT = 65_535;

export const parseCount = (text: string): number => {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("It must be a whole number, such as 1024.");
  return Number(text);
};

/** `256mb`, `64k`, `1073741824`: units are of 1,024. */
export const parseSize = (text: string): number => {
  const [, digits, unit = ""] = /^(\d{1,15}(?:\.\d{1,6})?)\s*(?:([kmgt])(?:i?b)?|b)?$/i.exec(text) ?? [];
  const factor = BYTES[unit.toLowerCase()];
  if (digits === undefined || factor === undefined) {
    throw new InvalidArgumentError("It must be a size, such as 256mb, 64kb or 1048576 (bytes).");
  }
  return Math.floor(Number(digits) * factor);
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

/** `host:port`, `[v6]:port`, `:port` for all interfaces, a port alone for this machine, or `off`. */
export const parseAddress = (text: string): Address | "off" => {
  if (text === "off") return "off";
  const [, bracketed, plain, digits = ""] = /^(?:\[([^\]]+)\]:|([^:[\]]*):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port > MAX_PORT) {
    throw new InvalidArgumentError(
      `It must be host:port, :port (all interfaces) or off, with a port up to ${MAX_PORT}.`,
    );
  }
  const host = bracketed ?? plain ?? DEFAULT_HOST;
  return { host: host === "" ? ALL_INTERFACES : host, port };
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

/** `a,b`; given again, more of them. */
export const parseList = (text: string, before: readonly string[] | undefined): readonly string[] => {
  const entries = text.split(",").map((entry) => entry.trim());
  if (entries.includes("")) throw new InvalidArgumentError("It must be a name, or several with commas between them.");
  return [...(before ?? []), ...entries];
};
