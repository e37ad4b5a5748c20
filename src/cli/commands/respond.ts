/** `ringmq respond`: its flags. */
import { Command, Option } from "commander";
import { parseCount, parseDuration } from "../units.js";
import { type BrokerFlags, onBroker, withBrokerFlags } from "./broker-command.js";
import { parseConcurrency } from "./work.js";

const HELP = `
The body of a request is the command's standard input, and its standard output is the reply; RINGMQ_REQUEST_CHANNEL and
RINGMQ_REQUEST_HEADERS (JSON) are in its environment. When it does not exit with 0 the requester is told its exit code. A
command that nobody waits for any more is ended. SIGTERM and SIGINT take no more requests and let the commands that run finish; a
second one ends them.

Examples:
  ringmq respond sum -- sh -c 'read a b; printf $((a + b))'
  ringmq respond thumbnails --concurrency 4 --timeout 30s -- convert - -resize 200x200 jpg:-
`;

export interface RespondFlags extends BrokerFlags {
  readonly concurrency: number;
  readonly timeout?: number;
  readonly count?: number;
}

export const respondCommand = (): Command => {
  const command = new Command("respond")
    .description("Runs a command for each request to a channel, whose output is the reply.")
    .argument("<channel>", "the channel")
    .argument("<command>", "the program to run; put -- before it")
    .argument("[arguments...]", "its arguments")
    .addOption(new Option("--concurrency <n>", "commands that run at a time").argParser(parseConcurrency).default(1))
    .addOption(new Option("--timeout <time>", "ends a command that runs longer").argParser(parseDuration))
    .addOption(new Option("--count <n>", "ends after so many requests").argParser(parseCount));
  withBrokerFlags(command, HELP);
  return command.action((channel: string, program: string, args: readonly string[], flags: RespondFlags) =>
    onBroker(command, flags, async (client) => {
      const { respond } = await import("./responding.js");
      await respond(client, channel, [program, ...args], flags);
    }),
  );
};
