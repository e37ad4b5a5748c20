/** What `ringmq respond` does. */
import { plainHeaders } from "../../client/base/plain-content.js";
import type { Client, ReceivedRequest } from "../../client/index.js";
import { stopOnSignals } from "../signals.js";
import { CommandRun, MAX_TIMER, notStarted, shortHeaders } from "./command-run.js";
import { EXIT } from "./exit-codes.js";
import { say, writeJson } from "./output.js";
import type { RespondFlags } from "./respond.js";

const environmentOf = (request: ReceivedRequest): Readonly<Record<string, string>> => ({
  RINGMQ_REQUEST_CHANNEL: request.channel,
  ...shortHeaders(
    "RINGMQ_REQUEST_HEADERS",
    plainHeaders(() => request.headers),
  ),
});

export const respond = async (
  client: Client,
  channel: string,
  command: readonly string[],
  flags: RespondFlags,
): Promise<void> => {
  const { concurrency, timeout, count = Number.POSITIVE_INFINITY, json = false } = flags;
  if (count === 0) return;
  const runs = new Set<CommandRun>();
  const maxBytes = client.info.limits.maxMessageBytes;
  /** Why it cannot go on. */
  let fault: Error | undefined;
  let left = count;
  let failed = 0;

  const handle = async (request: ReceivedRequest): Promise<Uint8Array> => {
    let run: CommandRun;
    try {
      run = new CommandRun(command, environmentOf(request), request.body, "pipe");
    } catch (error) {
      throw stop(notStarted(command, error));
    }
    runs.add(run);
    const onAbort = (): void => run.terminate("nobody waits for the reply any more");
    request.signal.addEventListener("abort", onAbort, { once: true });
    const onTimeout = (): void => run.terminate("it took longer than --timeout");
    const limit = timeout === undefined ? undefined : setTimeout(onTimeout, Math.min(timeout, MAX_TIMER));
    try {
      const [{ isDone, text }, output] = await Promise.all([run.end(), run.output(maxBytes)]).catch(
        (error: unknown) => {
          throw stop(notStarted(command, error));
        },
      );
      if (!isDone) failed++;
      // What was done is answered, though nobody can be told of it here: no more is taken.
      if (json) await writeJson({ end: text, bytes: output.length }).catch(stop);
      else if (!isDone) say(`a request: ${text}\n`);
      if (!isDone) throw new Error(text);
      return output;
    } finally {
      clearTimeout(limit);
      runs.delete(run);
      if (--left <= 0) stopping();
    }
  };
  // Before the first request can come.
  const signal = stopOnSignals(() => {
    for (const run of runs) run.kill();
  });
  const responder = await client.respond(channel, handle, { concurrency: Math.min(concurrency, count) });
  const stopping = (): void => void responder.stop({ timeout: Number.POSITIVE_INFINITY });
  /** The program cannot do what it is for. */
  const stop = (error: Error): Error => {
    fault ??= error;
    stopping();
    return error;
  };
  if (signal.aborted) stopping();
  signal.addEventListener("abort", stopping, { once: true });
  const reason = await responder.closed;
  if (reason === undefined) await client.drain();
  if (fault !== undefined) throw fault;
  if (reason !== undefined) throw reason;
  if (failed > 0) process.exitCode = EXIT.failed;
};
