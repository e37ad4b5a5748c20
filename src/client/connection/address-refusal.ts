/**
 * Says what is wrong with the address of a broker. No text repeats what may be a password.
 */
import { badArgument, shown } from "../arguments/argument-checks.js";
import { localError, type RingmqError } from "../base/error.js";
import { type Address, type AddressFault, addressText, parseAddress } from "./address.js";

/** An address for an error's text, without what comes before an `@`. */
const redacted = (target: string): string => {
  const at = target.lastIndexOf("@");
  return shown(at < 0 ? target : `…${target.slice(at)}`);
};

const wanted = (example: string): string => `must begin with tcp://, tls://, ws:// or wss://, as tcp://${example} does`;

/** A longer host is not repeated as an example. */
const MAX_HOST = 100;

/** The host and port of an address that lacks a scheme or has an HTTP one, to show the address that was meant. */
const example = (target: string): string => {
  const meant = /^(?:https?:\/\/)?((?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?)(?:\/|$)/i.exec(target)?.[1];
  return meant === undefined || meant.length > MAX_HOST ? "127.0.0.1:9503" : meant;
};

const syntax = (target: string): string =>
  /^\s*(?:tcp|tls|wss?):\/\//i.test(target)
    ? "is none: it has no host, or no port from 1 to 65535"
    : wanted(example(target));

const scheme = (target: string): string => {
  const { protocol, host } = new URL(target);
  const ofHttp: Readonly<Record<string, string>> = { "http:": "ws", "https:": "wss" };
  const meant = ofHttp[protocol];
  const http = meant === undefined ? "" : `; the broker's HTTP port takes ${meant}://${host}/mq`;
  return wanted(example(target)) + http;
};

const part = (target: string, name: "path" | "query" | "hash"): string => {
  const { protocol, pathname, search, hash } = new URL(target);
  const where = /^t/.test(protocol) ? "over TCP" : "here";
  const text = { path: pathname, query: search, hash }[name];
  return `has a ${name}, which means nothing ${where}: leave ${shown(text)} out`;
};

const reason = (target: string, fault: Exclude<AddressFault, "type">): string => {
  switch (fault) {
    case "syntax":
      return syntax(target);
    case "scheme":
      return scheme(target);
    case "user":
      return "has more than a token before the @: write it as in tcp://token@127.0.0.1:9503";
    case "host":
      return wanted("127.0.0.1:9503");
    case "port":
      return "has port 0, which nobody listens on";
    default:
      return part(target, fault);
  }
};

/** The BAD_ARGUMENT for what `parseAddress` finds wrong with `text`. */
export const addressRefusal = (text: unknown, fault: AddressFault): RingmqError => {
  if (typeof text !== "string" || fault === "type") {
    return badArgument("the broker's address", text, 'text, as "tcp://127.0.0.1:9503"');
  }
  return localError("BAD_ARGUMENT", `the broker's address ${redacted(text)} ${reason(text, fault)}`);
};

/** Parses an address that a program has given. Throws BAD_ARGUMENT, whose text says what is wrong. */
export const readAddress = (given: unknown): Address => {
  const text = addressText(given);
  const address = parseAddress(text);
  if (typeof address === "string") throw addressRefusal(text, address);
  return address;
};
