/** What `ringmq channel subscribe` does. */
import type { Client } from "../../client/index.js";
import { stopOnSignals } from "../signals.js";
import { plural } from "../units.js";
import type { SubscribeFlags } from "./channel.js";
import { IdleTimer } from "./idle-timer.js";
import { bodyLine, channelObject, jsonLine } from "./message-text.js";
import { say, write } from "./output.js";

/** What is written at once. */
const CHUNK_BYTES = 64 * 1024;

export const subscribe = async (
  client: Client,
  channel: string,
  { from, recover, overflow, idle, count = Number.POSITIVE_INFINITY, json = false }: SubscribeFlags,
): Promise<void> => {
  if (count === 0) return;
  const onLost = (lost: number): void => say(`${plural(lost, "message")} lost\n`);
  const subscription = await client.subscribe(channel, { from, recover, overflow, onLost });
  const stop = (): void => void subscription.stop();
  stopOnSignals().addEventListener("abort", stop, { once: true });
  const timer = new IdleTimer(idle, stop);
  const isTerminal = process.stdout.isTTY;
  let lines: Uint8Array[] = [];
  let bytes = 0;
  let left = count;
  for await (const message of subscription) {
    const line = json ? jsonLine(channelObject(message)) : bodyLine(message, isTerminal);
    lines.push(line);
    bytes += line.length;
    left--;
    if (left > 0 && subscription.buffered > 0 && bytes < CHUNK_BYTES) continue;
    timer.pause();
    await write(Buffer.concat(lines));
    [lines, bytes] = [[], 0];
    if (left === 0) break;
    timer.restart();
  }
  timer.pause();
  await write(Buffer.concat(lines));
};
