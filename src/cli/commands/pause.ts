/** `ringmq pause` and `ringmq resume`. */
import { Command } from "commander";
import type { Client, QueueOptions } from "../../client/index.js";
import { type BrokerFlags, onBroker, QUEUE_FLAG, withBrokerFlags } from "./broker-command.js";
import { write, writeJson } from "./output.js";

const PAUSE_HELP = `
Publishes, acks and timers go on.

Example:
  ringmq pause orders --queue eu
`;

const RESUME_HELP = `
Example:
  ringmq resume orders --queue eu
`;

export const pauseCommand = (): Command =>
  switchCommand("pause", "Stops the deliveries of a queue until it is resumed.", PAUSE_HELP, true, (client, ...of) =>
    client.pause(...of),
  );

export const resumeCommand = (): Command =>
  switchCommand("resume", "Has a paused queue deliver again.", RESUME_HELP, false, (client, ...of) =>
    client.resume(...of),
  );

const switchCommand = (
  name: string,
  description: string,
  help: string,
  paused: boolean,
  act: (client: Client, topic: string, options: QueueOptions) => Promise<void>,
): Command => {
  const command = new Command(name)
    .description(description)
    .argument("<topic>", "the topic")
    .option(...QUEUE_FLAG);
  withBrokerFlags(command, help);
  return command.action((topic: string, { queue, ...flags }: BrokerFlags & QueueOptions) =>
    onBroker(command, flags, async (client) => {
      await act(client, topic, { queue });
      await (flags.json ? writeJson({ paused }) : write(paused ? "paused\n" : "resumed\n"));
    }),
  );
};
