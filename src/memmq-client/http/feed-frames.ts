/**
 * The frames of a subscription in JSON: how it begins, messages, and how many were lost in between.
 */
import type { FeedStart, Incoming } from "../link.js";

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;

const count = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** `{"subscribed":{"epoch":"…","position":0,"kept":true,"recovered":true,"lost":0}}` */
export const startOf = (frame: unknown): FeedStart | undefined => {
  if (!isFields(frame) || !isFields(frame["subscribed"])) return undefined;
  const { epoch, position, recovered, lost } = frame["subscribed"] as Fields & Record<"epoch" | "position", unknown>;
  return {
    epoch: text(epoch),
    position: count(position),
    recovered: typeof recovered === "boolean" ? recovered : undefined,
    lost: count(lost),
  };
};

/** `{"position":7,"id":"…","time":…,"payload":"<base64>"}` */
export const messageOf = (frame: unknown): Incoming | undefined => {
  if (!isFields(frame)) return undefined;
  const payload = text(frame["payload"]);
  if (payload === undefined) return undefined;
  return { payload: Buffer.from(payload, "base64"), position: count(frame["position"]), id: text(frame["id"]) };
};

/** `{"lost":3}` */
export const lostOf = (frame: unknown): number | undefined => (isFields(frame) ? count(frame["lost"]) : undefined);
