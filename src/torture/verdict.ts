/** The progress and the result of a torture run, in words. */
import { FindingText } from "./findings.js";
import type { TortureProgress, TortureResult } from "./torture.js";

const count = (n: number): string => n.toLocaleString("en-US");

const plural = (n: number, noun: string): string => `${count(n)} ${noun}${n === 1 ? "" : "s"}`;

/** `3:07`. */
export const clock = (milliseconds: number): string => {
  const seconds = Math.floor(milliseconds / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
};

export const progressLine = (progress: TortureProgress): string => {
  const { phase, elapsed, kills, published, confirmed, acked, findings } = progress;
  const what = `${plural(kills, "kill")}, ${count(published)} published, ${count(confirmed)} confirmed, ${count(acked)} acked`;
  return `${clock(elapsed)} ${phase}: ${what}${findings === 0 ? "" : `, ${plural(findings, "FAULT")}`}`;
};

const CLEAN = `Every confirmed message was there at the end or had been acked; no acked message came back; bodies, ids,
order, delays, retry counts and configurations were what they had to be. Every confirmed message of a kept channel was
read from its start once and in order; those who followed one across the kills saw no gap and nothing twice.`;

/** No fault was found where there might have been one. */
export const isClean = ({ confirmed, found }: TortureResult): boolean => found.length === 0 && confirmed > 0;

/** The result in a few lines. `kept`: the directory with the data that shows the faults. */
export const verdict = (result: TortureResult, seed: number, kept: string): string => {
  const {
    elapsed,
    kills,
    published,
    confirmed,
    refused,
    delivered,
    acked,
    unseen,
    kept: channels,
    errors,
    found,
  } = result;
  const lines = [
    `In ${clock(elapsed)} the broker was killed ${plural(kills, "time")}. Of ${plural(published, "message")} ` +
      `${count(confirmed)} were confirmed,`,
    `${count(refused)} refused and ${count(published - confirmed - refused)} in doubt when it died; there were ` +
      `${count(delivered)} ${delivered === 1 ? "delivery" : "deliveries"} and ${plural(acked, "ack")}.`,
  ];
  lines.push(
    `Of kept channels ${plural(channels.confirmed, "message")} were confirmed; readers got ${count(channels.heard)}.`,
  );
  if (unseen > 0)
    lines.push(`Up to ${count(unseen)} messages of auto-ack topics may be lost on their way: not counted.`);
  const answered = [...errors].filter(([code]) => code !== "CONNECTION_CLOSED" && code !== "CLIENT_CLOSED");
  if (answered.length > 0)
    lines.push(`Errors answered: ${answered.map(([code, n]) => `${code} ${count(n)}`).join(", ")}.`);
  lines.push("");
  if (found.length === 0 && !isClean(result)) {
    lines.push("NOTHING IS SHOWN: no message was confirmed. Give it more time, or look why brokers took none.");
    return `${lines.join("\n")}\n`;
  }
  if (found.length === 0) {
    lines.push("NO FAULT FOUND.", CLEAN);
    return `${lines.join("\n")}\n`;
  }
  lines.push(`FAULTS FOUND (seed ${seed}); the data and the broker's log are in ${kept}`);
  for (const { kind, count: times, examples } of found) {
    lines.push(`  ${count(times)} × ${FindingText[kind]}`);
    for (const example of examples) lines.push(...example.split("\n").map((line) => `      ${line}`));
    if (times > examples.length) lines.push("      …");
  }
  return `${lines.join("\n")}\n`;
};
