/** The answers to publishes, message by message. */
import type { Effect } from "./model/effects.js";

/** What an answer says, message by message: its id, with a `=` before it if it is that of an earlier one; or an error. */
export const fatesOf = ([answer]: readonly Effect[]): readonly string[] => {
  if (answer?.kind === "fail") return [answer.error];
  if (answer?.kind === "confirm" || answer?.kind === "duplicate") {
    const mark = answer.kind === "duplicate" ? "=" : "";
    return Array.from({ length: answer.messages }, (_, i) => `${mark}${answer.id + BigInt(i)}`);
  }
  if (answer?.kind !== "result") throw new Error(`a publish is answered with ${answer?.kind}`);
  return (answer.value as [number, number, number | string, number][]).flatMap(([count, first, second, flags]) =>
    Array.from({ length: count }, (_, i) =>
      typeof second === "string"
        ? String(first)
        : `${flags > 4 ? "=" : ""}${(BigInt(first) << 32n) + BigInt(second + i)}`,
    ),
  );
};
