/** `memmq -i`: publishes lines and prints what others publish, both at once. */
import type { Subscription } from "../../memmq-client/index.js";
import { stopOnSignals } from "../signals.js";
import { LinePublisher } from "./line-publisher.js";
import type { ClientSettings } from "./memmq-settings.js";
import { lossText } from "./message-printer.js";
import { OwnLines } from "./own-lines.js";
import type { Program } from "./program.js";
import { PipeScreen, type Screen, TerminalScreen } from "./screen.js";
import { inFlags, statusLines, upstreamClient } from "./upstream-client.js";

/** Resolves at the end of the input, with why not all was done as it should. */
export const interact = async (settings: ClientSettings, program: Program): Promise<string | undefined> => {
  const { log } = program;
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  const screen: Screen = isTerminal ? new TerminalScreen() : new PipeScreen((text) => log.warn({}, text));
  const notice = (text: string): void => screen.notice(text);
  await using client = upstreamClient(settings.upstream, program, statusLines(notice, notice));
  const { topic } = settings;
  const own = new OwnLines();
  const subscription = client.subscribe(topic);
  const printed = print(subscription, own, screen);
  // What is published before the subscription stands does not come back, and would be waited for.
  await subscription.ready.catch(() => {});
  const publisher = new LinePublisher(client, topic);
  const unread = await screen.lines(stopOnSignals(), async (line) => {
    own.add(client.serversOf(topic), line);
    await publisher.publish(line, (error) => notice(`not published: ${inFlags(error.message)}`));
  });
  await publisher.flush();
  subscription.stop();
  // At a terminal each failure was told when it happened.
  return (await printed) ?? unread ?? (isTerminal ? undefined : publisher.failure);
};

/** Resolves when the subscription has ended, with why. */
const print = async (subscription: Subscription, own: OwnLines, screen: Screen): Promise<string | undefined> => {
  try {
    for await (const { payload, server, lost, mayHaveLost } of subscription) {
      const text = lossText(server, lost, mayHaveLost);
      if (text !== undefined) screen.notice(text);
      if (!own.take(server, payload)) await screen.message(payload);
    }
    return undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    screen.notice(`nothing more comes: ${why}`);
    return why;
  }
};
