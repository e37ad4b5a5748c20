/** How a subscription has begun, as the RESULT of SUBSCRIBE tells. */
import type { AnswerFrame } from "../../native/answer-frame.js";
import { result } from "../../native/answer-reading.js";
import type { Subscribed } from "./channels.js";

export const UNKNOWN_START: Subscribed = {
  epoch: undefined,
  position: undefined,
  kept: undefined,
  recovered: undefined,
  lost: undefined,
};

export const startOf = (frame: AnswerFrame): Subscribed => {
  const map = result(frame);
  if (typeof map !== "object" || map === null) return UNKNOWN_START;
  const value = new Map<string, unknown>(Object.entries(map));
  const epoch = value.get("epoch");
  const flag = (name: string): boolean | undefined => {
    const found = value.get(name);
    return typeof found === "boolean" ? found : undefined;
  };
  const count = (name: string): number | undefined => {
    const found = value.get(name);
    return typeof found === "number" ? found : undefined;
  };
  return {
    epoch: typeof epoch === "string" ? epoch : undefined,
    position: count("position"),
    kept: flag("kept"),
    recovered: flag("recovered"),
    lost: count("lost"),
  };
};
