/** What `ringmq top` does. */
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "../../client/index.js";
import { stopOnSignals } from "../signals.js";
import { FullScreen } from "./full-screen.js";
import { Looks, topLines } from "./looks.js";
import { write, writeJson } from "./output.js";
import type { TopFlags } from "./top.js";

/** One look, over one interval. */
export const once = async (client: Client, { interval, json }: TopFlags): Promise<void> => {
  const looks = new Looks(client);
  await looks.take();
  await delay(interval);
  const look = await looks.take();
  if (json) await writeJson(...look.rows);
  else
    await write(
      topLines(look, client.info)
        .map((line) => `${line}\n`)
        .join(""),
    );
};

/** Until it is ended by a key or a signal. */
export const watch = async (client: Client, { interval }: TopFlags): Promise<void> => {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  stopOnSignals().addEventListener("abort", end, { once: true });
  void client.closed.then(end);
  const looks = new Looks(client);
  let look = await looks.take();
  const draw = (screen: FullScreen): void => screen.draw(topLines(look, client.info));
  using screen = new FullScreen(
    (key) => (key === "q" || key === "\u0003" ? end() : undefined),
    () => draw(screen),
  );
  while (!ended.signal.aborted) {
    draw(screen);
    await delay(interval, undefined, { signal: ended.signal }).catch(() => {});
    if (!ended.signal.aborted) look = await looks.take();
  }
  const reason = await Promise.race([client.closed, undefined]);
  if (reason !== undefined) throw reason;
};
