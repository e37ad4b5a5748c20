/**
 * Reads the values of RESULT answers. Only their kind is checked; a broker is trusted for what is in them.
 */
import { ProtocolError } from "../../protocol/errors.js";
import type { BackupSummary, TopicConfig, TopicStatistics } from "../arguments/options.js";

const record = (value: unknown, what: string): object => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ProtocolError("BAD_FRAME", `${what} is not a map`);
  }
  return value;
};

export const readConfig = (value: unknown): TopicConfig => record(value, "a configuration") as TopicConfig;

export const readStatistics = (value: unknown): TopicStatistics =>
  record(value, "the statistics of a topic") as TopicStatistics;

/** A page of the topics of a shard, and whether there are more after it. */
export interface TopicPage {
  readonly topics: readonly TopicStatistics[];
  readonly more: boolean;
}

export const readTopicPage = (value: unknown): TopicPage => {
  const [topics, more]: readonly unknown[] = Array.isArray(value) ? value : [];
  if (!Array.isArray(topics)) throw new ProtocolError("BAD_FRAME", "a page of topics is not a list");
  return { topics: topics.map(readStatistics), more: more === true };
};

export const readBackupSummary = (value: unknown): BackupSummary => record(value, "a backup") as BackupSummary;

/** For an answer without a value. */
export const readNothing = (): void => {};
