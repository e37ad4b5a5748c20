/**
 * Selectors: which of several servers a topic is published to and subscribed on. Pure functions of the topic and the list,
 * so that all clients with the same list agree without asking each other.
 */
import { crc32 } from "./crc32.js";

/** Returns those of `servers` that have the topic; none only when there are none. */
export type Selector = (topic: string, servers: readonly string[]) => readonly string[];

/** The selectors that have a name. */
export const SELECTORS = ["all", "shard", "rendezvous"] as const;
export type SelectorName = (typeof SELECTORS)[number];

const encoder = new TextEncoder();

/** Every server: each message is on all of them, and each subscriber hears all of them. */
export const selectAll: Selector = (_topic, servers) => servers;

/**
 * One server, by the remainder of a checksum, as memmq does: clients of both agree as long as they name the servers in the
 * same order. When the number of servers changes, nearly every topic moves.
 */
export const selectShard: Selector = (topic, servers) => {
  const server = servers[crc32(encoder.encode(topic)) % servers.length];
  return server === undefined ? [] : [server];
};

/**
 * One server, by highest random weight: the order of the list does not matter, and a server that is added takes over one
 * topic in n, from all the others alike; one that is removed leaves the topics of the others where they are.
 */
export const selectRendezvous: Selector = (topic, servers) => {
  let winner: string | undefined;
  let most = -1;
  for (const server of servers) {
    const weight = weightOf(topic, server);
    // Equal weights must be decided by the names too, not by the order of the list.
    if (weight < most || (weight === most && winner !== undefined && server >= winner)) continue;
    winner = server;
    most = weight;
  }
  return winner === undefined ? [] : [winner];
};

/** FNV-1a of the server, then of the topic, and a finalizer (that of MurmurHash3), without which similar names go together. */
const weightOf = (topic: string, server: string): number => {
  let hash = 0x811c9dc5;
  // The zero byte keeps ("a", "bc") and ("ab", "c") apart.
  for (const byte of encoder.encode(`${server}\0${topic}`)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

const NAMED: Readonly<Record<SelectorName, Selector>> = {
  all: selectAll,
  shard: selectShard,
  rendezvous: selectRendezvous,
};

export const selectorOf = (selector: SelectorName | Selector): Selector =>
  typeof selector === "string" ? NAMED[selector] : selector;
