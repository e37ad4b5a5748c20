/**
 * Where what a finding tells of can be mended.
 */
import type { Finding, FindingCode } from "ringmq/client";
import { hrefTo } from "../base/route.js";

/** How much a finding is in the way. */
export type Weight = "bad" | "warn" | "plain" | "good";

const WEIGHTS: Readonly<Partial<Record<FindingCode, Weight>>> = {
  NO_TOPIC: "bad",
  NO_QUEUE: "bad",
  NO_ROUTE: "bad",
  PAUSED: "bad",
  JOURNAL_STANDS_STILL: "bad",
  PUBLISHES_REFUSED: "bad",
  QUEUE_FULL: "bad",
  BRAKED: "bad",
  CONSUMERS_HELD: "warn",
  NO_CREDIT: "warn",
  OUTBOX_CROWDED: "warn",
  RETRY_DELAYED: "warn",
  DEAD_LETTERS: "warn",
  EXPIRED: "warn",
  DROPPED: "warn",
  REACHES: "good",
  FLOWING: "good",
};

export const weightOf = ({ code, details }: Finding): Weight => {
  if (code === "NO_CONSUMER") return Number(details["ready"]) > 0 ? "bad" : "plain";
  return WEIGHTS[code] ?? "plain";
};

/** What a link to a remedy is called: a key of the texts. */
export type RemedyName =
  | "topic"
  | "topics"
  | "configure"
  | "consumers"
  | "connections"
  | "deadLetters"
  | "delayed"
  | "inFlight";

const REMEDIES: Readonly<Partial<Record<FindingCode, readonly RemedyName[]>>> = {
  NO_TOPIC: ["topics"],
  NO_QUEUE: ["topic"],
  NO_ROUTE: ["topic"],
  QUEUE_FULL: ["configure"],
  BRAKED: ["deadLetters", "configure"],
  NO_CONSUMER: ["consumers"],
  CONSUMERS_HELD: ["connections"],
  NO_CREDIT: ["inFlight", "consumers"],
  OUTBOX_CROWDED: ["connections"],
  IN_FLIGHT: ["inFlight", "consumers"],
  RETRY_DELAYED: ["delayed"],
  DELAYED: ["delayed"],
  DEAD_LETTERS: ["deadLetters"],
  MORE_QUEUES: ["topic"],
};

export interface Remedy {
  readonly name: RemedyName;
  readonly href: string;
}

const hrefOf = (name: RemedyName, topic: string, queue: string | null): string => {
  const of = queue === null ? {} : { queue };
  switch (name) {
    case "topics":
      return hrefTo(["topics"]);
    case "connections":
      return hrefTo(["connections"]);
    case "deadLetters":
      return hrefTo(["topics", topic, "dead"], of);
    case "delayed":
      return hrefTo(["topics", topic, "messages"], { ...of, state: "delayed" });
    case "inFlight":
      return hrefTo(["topics", topic, "messages"], { ...of, state: "in-flight" });
    default:
      return hrefTo(["topics", topic]);
  }
};

export const remediesOf = ({ code, queue }: Finding, topic: string): readonly Remedy[] =>
  (REMEDIES[code] ?? []).map((name) => ({ name, href: hrefOf(name, topic, queue) }));
