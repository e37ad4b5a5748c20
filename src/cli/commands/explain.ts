/** `ringmq explain`. */
import { Command } from "commander";
import type { Finding } from "../../client/index.js";
import { type BrokerFlags, onBroker, withBrokerFlags } from "./broker-command.js";
import { shownName, write, writeJson } from "./output.js";

const HELP = `
What is most probably the reason comes first. With --json each finding has a code and its numbers.

Examples:
  ringmq explain orders
  ringmq explain orders --queue eu
  ringmq explain orders --route eu.paris
  ringmq explain orders --json | jq -r .code
`;

interface Flags extends BrokerFlags {
  readonly queue?: string;
  readonly route?: string;
}

export const explainCommand = (): Command => {
  const command = new Command("explain")
    .description("Says why messages of a topic do not arrive.")
    .argument("<topic>", "the topic")
    .option("--queue <key>", "the queue's bind key (default: every queue)")
    .option("--route <key>", "also says which queues this route key reaches");
  withBrokerFlags(command, HELP);
  return command.action((topic: string, { queue, route, ...flags }: Flags) =>
    onBroker(command, flags, async (client) => {
      const findings = await client.explain(topic, { queue, routeKey: route });
      await (flags.json ? writeJson(...findings) : write(findings.map(lineOf).join("")));
    }),
  );
};

const lineOf = ({ queue, text }: Finding): string =>
  shownName(`${queue === null ? "" : `${queue}: `}${text}`).concat("\n");
