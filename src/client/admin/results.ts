/**
 * Reads the values of RESULT answers. Only their kind is checked; a broker is trusted for what is in them.
 */
import { ProtocolError } from "../../protocol/errors.js";
import type { DeadLetterGroups } from "../arguments/dead-letter-groups.js";
import type {
  BackupSummary,
  ChannelConfig,
  ChannelStatistics,
  TopicConfig,
  TopicStatistics,
} from "../arguments/options.js";
import type { ConnectionInfo, ConsumerInfo } from "./connection-info.js";
import type { DelayedCounts } from "./delayed-counts.js";
import type { Finding } from "./finding.js";
import type { MessageHistory } from "./message-history.js";

const record = (value: unknown, what: string): object => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ProtocolError("BAD_FRAME", `${what} is not a map`);
  }
  return value;
};

export const readConfig = (value: unknown): TopicConfig => record(value, "a configuration") as TopicConfig;

export const readStatistics = (value: unknown): TopicStatistics =>
  record(value, "the statistics of a topic") as TopicStatistics;

export const readChannelConfig = (value: unknown): ChannelConfig => record(value, "a configuration") as ChannelConfig;

export const readChannelStatistics = (value: unknown): ChannelStatistics =>
  record(value, "the statistics of a channel") as ChannelStatistics;

/** A page of topics, channels, connections or consumers, and whether there are more after it. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly more: boolean;
  /** Where to go on. Undefined: behind the last item. */
  readonly last: string | undefined;
}

const readPage =
  <T>(readItem: (value: unknown) => T) =>
  (value: unknown): Page<T> => {
    const [items, more, last]: readonly unknown[] = Array.isArray(value) ? value : [];
    if (!Array.isArray(items)) throw new ProtocolError("BAD_FRAME", "a page is not a list");
    return { items: items.map(readItem), more: more === true, last: typeof last === "string" ? last : undefined };
  };

export const readTopicPage = readPage(readStatistics);
export const readChannelPage = readPage(readChannelStatistics);

export const readFindings = (value: unknown): Finding[] => {
  if (!Array.isArray(value)) throw new ProtocolError("BAD_FRAME", "the findings are not a list");
  return value.map((finding) => record(finding, "a finding") as Finding);
};

export const readDelayed = (value: unknown): DelayedCounts => record(value, "counts of messages") as DelayedCounts;

export const readDeadGroups = (value: unknown): DeadLetterGroups =>
  record(value, "groups of dead letters") as DeadLetterGroups;

export const readHistory = (value: unknown): MessageHistory => record(value, "a history") as MessageHistory;

export const readConnectionPage = readPage((value) => record(value, "a connection") as ConnectionInfo);
export const readConsumerPage = readPage((value) => record(value, "a consumer") as ConsumerInfo);

export const readBackupSummary = (value: unknown): BackupSummary => record(value, "a backup") as BackupSummary;
