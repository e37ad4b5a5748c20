/** `ringmq history`. */
import { Command } from "commander";
import type { HistoryCopy, HistoryEvent, MessageHistory } from "../../client/index.js";
import { type BrokerFlags, onBroker, withBrokerFlags } from "./broker-command.js";
import { shownName, write, writeJson } from "./output.js";

const HELP = `
It is told from what is in memory and in the journal; what neither knows any more is said at the end. A time with ~ is the
earliest that it can have been.

Examples:
  ringmq history orders 384261148721025024
  ringmq history orders 384261148721025024 --json | jq .events
`;

export const historyCommand = (): Command => {
  const command = new Command("history")
    .description("Tells what has become of a message.")
    .argument("<topic>", "its topic")
    .argument("<id>", "its id");
  withBrokerFlags(command, HELP);
  return command.action((topic: string, id: string, flags: BrokerFlags) =>
    onBroker(command, flags, async (client) => {
      const history = await client.history(topic, id);
      await (flags.json ? writeJson(history) : write(textOf(history)));
    }),
  );
};

const at = (time: number): string => new Date(time).toISOString();

/** As wide as a time with its mark. */
const whenOf = ({ time, after }: HistoryEvent): string => {
  if (time > 0) return ` ${at(time)}`;
  return after > 0 ? `~${at(after)}` : " (unknown time)          ";
};

const eventText = (event: HistoryEvent): string => {
  const { what, number, how, client, text, reason, due, retry } = event;
  if (what === "failed") {
    const by = client === "" ? "" : ` by ${client}`;
    return `failure ${number}: ${how}${by}${text === "" ? "" : `: ${text}`}`;
  }
  const more = [
    what === "kept" ? "by a compaction" : "",
    reason,
    due > 0 ? `until ${at(due)}` : "",
    what !== "published" && retry > 0 ? `retry ${retry}` : "",
  ];
  const said = more.filter((part) => part !== "").join(", ");
  return said === "" ? what : `${what}: ${said}`;
};

const copyText = ({ queue, state, reason, time, client, connection, retry }: HistoryCopy): string => {
  const holder = connection > 0 ? `, with ${client || "a client"} on connection ${connection}` : "";
  const until = time > 0 ? `, ${state === "dead" ? "since" : "until"} ${at(time)}` : "";
  const why = reason === "" ? "" : ` (${reason})`;
  return `now in ${queue}: ${state}${why}${holder}${until}, retry ${retry}`;
};

const textOf = ({ id, topic, published, origin, copies, events, unknown }: MessageHistory): string => {
  const { routeKey = "", key = "", producer = "", sequence = 0 } = origin ?? {};
  const lines = [
    `${id} of ${topic}, published ${at(published)}`,
    ...(routeKey === "" ? [] : [`route key ${routeKey}`]),
    ...(key === "" ? [] : [`key ${key}`]),
    ...(producer === "" ? [] : [`message ${sequence} of the producer ${producer}`]),
    ...events.map((event) => `${whenOf(event)}  ${event.queue || "(a queue that is gone)"}  ${eventText(event)}`),
    ...copies.map(copyText),
    ...unknown.map(({ text }) => `not known: ${text}`),
  ];
  return lines.map((line) => `${shownName(line)}\n`).join("");
};
