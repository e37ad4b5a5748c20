/** What `ringmq consume` does. */
import type { Client, Message } from "../../client/index.js";
import { stopOnSignals } from "../signals.js";
import { plural } from "../units.js";
import { CommandError } from "./broker-command.js";
import type { ConsumeFlags } from "./consume.js";
import { IdleTimer } from "./idle-timer.js";
import { bodyLine, deliveredObject, jsonLine } from "./message-text.js";
import { write } from "./output.js";

/** What is written at once: as much as a pipe holds, so that little is in hand when it is closed. */
const CHUNK_BYTES = 64 * 1024;
const CHUNK_MESSAGES = 256;

/** A count up to this is the prefetch as well: nothing comes that is not wanted. */
const MAX_COUNTED_PREFETCH = 1_024;

export const consume = async (
  client: Client,
  topic: string,
  { queue, count = Number.POSITIVE_INFINITY, idle, prefetch, json = false }: ConsumeFlags,
): Promise<void> => {
  if (count === 0) return;
  const consumer = await client.consume(topic, {
    queue,
    prefetch: prefetch ?? (count <= MAX_COUNTED_PREFETCH ? count : "auto"),
  });
  const stop = (): void => void consumer.stop();
  stopOnSignals().addEventListener("abort", stop, { once: true });
  const timer = new IdleTimer(idle, stop);
  const writer = new AckingWriter(json);
  let left = count;
  for await (const message of consumer) {
    left--;
    writer.add(message);
    if (left > 0 && consumer.buffered > 0 && !writer.isFull) continue;
    timer.pause();
    await writer.flush();
    timer.restart();
    if (left === 0) break;
  }
  timer.pause();
  await writer.flush();
  await client.drain();
  if (writer.late > 0) {
    throw new CommandError(
      `${plural(writer.late, "message")} were written and come again: their leases had ended before the ack`,
    );
  }
};

class AckingWriter {
  readonly #json: boolean;
  readonly #isTerminal = process.stdout.isTTY;
  #messages: Message[] = [];
  #lines: Uint8Array[] = [];
  #bytes = 0;
  /** Messages whose acks came too late. */
  late = 0;

  constructor(json: boolean) {
    this.#json = json;
  }

  get isFull(): boolean {
    return this.#bytes >= CHUNK_BYTES || this.#messages.length >= CHUNK_MESSAGES;
  }

  add(message: Message): void {
    const line = this.#json ? jsonLine(deliveredObject(message)) : bodyLine(message, this.#isTerminal);
    this.#messages.push(message);
    this.#lines.push(line);
    this.#bytes += line.length;
  }

  /** Acks what was added, once it is written. */
  async flush(): Promise<void> {
    if (this.#messages.length === 0) return;
    const [messages, lines] = [this.#messages, this.#lines];
    [this.#messages, this.#lines, this.#bytes] = [[], [], 0];
    await write(Buffer.concat(lines));
    for (const message of messages) {
      message.ack().catch(() => {
        this.late++;
      });
    }
  }
}
