/** What things are called in histories, and when these begin. */

export const DAY = 24 * 60 * 60_000;
export const BEGIN = Date.UTC(2026, 0, 1);

export const TOPICS = ["t", "u", "v"] as const;
