/**
 * The settings of a topic, as docs/protocol.md lists them: of what kind each is, and which belong together.
 */
import type { TopicConfig } from "ringmq/client";

export type SettingName = keyof TopicConfig;

export type SettingKind =
  | { readonly type: "flag" }
  | { readonly type: "choice"; readonly values: readonly string[] }
  /** Milliseconds. */
  | { readonly type: "duration" }
  | { readonly type: "number"; readonly min: number; readonly max: number; readonly fractions?: boolean };

export interface SettingGroup {
  readonly title: "delivery" | "retries" | "limits" | "duplicates";
  readonly names: readonly SettingName[];
}

const DURATION: SettingKind = { type: "duration" };
const SHARE: SettingKind = { type: "number", min: 0, max: 1, fractions: true };
const upTo = (max: number): SettingKind => ({ type: "number", min: 0, max });
const oneOf = (...values: readonly string[]): SettingKind => ({ type: "choice", values });

export const KINDS: Readonly<Record<SettingName, SettingKind>> = {
  autoAck: { type: "flag" },
  mode: oneOf("exact", "pattern"),
  ttr: DURATION,
  retries: upTo(65_534),
  retryDelay: DURATION,
  retryFactor: { type: "number", min: 1, max: 1_000, fractions: true },
  retryMaxDelay: DURATION,
  retryJitter: SHARE,
  retryMaxAge: DURATION,
  brake: SHARE,
  dedupWindow: DURATION,
  dedupMessages: upTo(1_000_000),
  maxKeys: upTo(16_777_216),
  maxLength: upTo(2 ** 32 - 1),
  maxBytes: upTo(Number.MAX_SAFE_INTEGER),
  overflow: oneOf("refuse", "drop-oldest"),
  expired: oneOf("drop", "dead-letter"),
  durability: oneOf("fsync", "write", "memory"),
};

export const GROUPS: readonly SettingGroup[] = [
  { title: "delivery", names: ["autoAck", "mode", "ttr", "durability"] },
  {
    title: "retries",
    names: ["retries", "retryDelay", "retryFactor", "retryMaxDelay", "retryJitter", "retryMaxAge", "brake"],
  },
  { title: "limits", names: ["maxLength", "maxBytes", "overflow", "expired"] },
  { title: "duplicates", names: ["dedupWindow", "dedupMessages", "maxKeys"] },
];

export type SettingValue = boolean | number | string;

/** What the reader has set; undefined: what stands in the field is no value. */
export type Draft = { readonly [name in SettingName]?: SettingValue | undefined };

/** Of a draft what differs from the configuration, in which what is absent is "". */
export const changesIn = (draft: Draft, config: TopicConfig): readonly SettingName[] =>
  (Object.keys(draft) as SettingName[]).filter((name) => draft[name] !== (config[name] ?? ""));

/** It can be sent: there are changes, and each is a value. */
export const isComplete = (draft: Draft, changes: readonly SettingName[]): boolean =>
  changes.length > 0 && changes.every((name) => draft[name] !== undefined && draft[name] !== "");

/** What is to be sent. */
export const configOf = (draft: Draft, changes: readonly SettingName[]): Partial<TopicConfig> =>
  Object.fromEntries(changes.map((name) => [name, draft[name]]));
