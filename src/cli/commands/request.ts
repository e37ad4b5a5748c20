/** `ringmq request`. */
import { Command, Option } from "commander";
import { MAX_CALL_TIMEOUT } from "../../protocol/limits.js";
import { parseDuration } from "../units.js";
import { type BrokerFlags, onBroker, withBrokerFlags } from "./broker-command.js";
import { headerFlag } from "./input-flags.js";

const HELP = `
Without a body on the command line it is all of standard input. Prints the body of the reply; with --json an object with its
headers too. Nothing is stored: when nobody responds to the channel it fails at once.

Examples:
  ringmq request sum '2 2'
  ringmq request thumbnails --timeout 30s < photo.jpg > small.jpg
`;

interface RequestFlags extends BrokerFlags {
  readonly timeout?: number;
  readonly header?: Readonly<Record<string, string>>;
}

export const requestCommand = (): Command => {
  const command = new Command("request")
    .description("Sends a request to a responder of a channel, and prints its reply.")
    .argument("<channel>", "the channel")
    .argument("[body]", "the request (default: standard input)")
    .addOption(
      new Option("--timeout <time>", "how long to wait for the reply, up to a day (default: 10s)").argParser(
        parseDuration,
      ),
    )
    .addOption(headerFlag());
  withBrokerFlags(command, HELP);
  return command.action((channel: string, body: string | undefined, flags: RequestFlags) =>
    onBroker(command, flags, async (client) => {
      const { timeout, header: headers, json = false } = flags;
      const { bodyLine, jsonLine, replyObject } = await import("./message-text.js");
      const { write } = await import("./output.js");
      const { STANDARD_INPUT, wholeInput } = await import("./publishing.js");
      const request = body ?? (await wholeInput(client, STANDARD_INPUT));
      const wait = timeout === undefined ? undefined : Math.min(Math.max(1, timeout), MAX_CALL_TIMEOUT);
      const reply = await client.request(channel, request, { timeout: wait, headers });
      await write(json ? jsonLine(replyObject(reply)) : bodyLine(reply, process.stdout.isTTY));
    }),
  );
};
