/**
 * Which of several servers a channel is on.
 */

/**
 * Chooses among the servers that are known, reachable or not, by their URLs in the order in which they were named. It must
 * choose the same for the same servers, in every program that shares them. What it answers that is not among them is ignored.
 */
export type Selector = (channel: string, servers: readonly string[]) => readonly string[];

/** Every channel is on every server: what is published goes to all, and subscribers hear all. */
export const selectAll: Selector = (_channel, servers) => servers;
