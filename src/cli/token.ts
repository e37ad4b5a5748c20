/** `ringmq token`: a token for a user of a broker, and its hash for the configuration. */
import { randomBytes } from "node:crypto";
import { Command } from "commander";
import { hashOf } from "../main/access/token-hash.js";
import { endWithOutput } from "./commands/broker-command.js";
import { write } from "./commands/output.js";

/** Nobody guesses 256 random bits. */
const TOKEN_BYTES = 32;

/** By which those who look for secrets in texts find it. It stands in addresses and headers as it is. */
const PREFIX = "ringmq_";

const HELP = `
The token is shown this once, and kept nowhere. Give it to the program, and the hash to the broker:

  [[users]]
  name = "billing"
  tokens = [{ hash = "sha256:..." }]
  permissions = [{ topics = "orders.*", allow = ["publish", "consume"] }]

Examples:
  ringmq token
  RINGMQ_TOKEN=ringmq_... ringmq publish orders.eu hello
`;

export const tokenCommand = (): Command => {
  const command = new Command("token");
  return command
    .description("Makes a token for a user of a broker.")
    .option("--json", "prints JSON")
    .addHelpText("after", HELP)
    .action(async ({ json }: { readonly json?: boolean }) => {
      const token = PREFIX + randomBytes(TOKEN_BYTES).toString("base64url");
      const hash = hashOf(token);
      const text = json === true ? `${JSON.stringify({ token, hash })}\n` : `token  ${token}\nhash   ${hash}\n`;
      await write(text).catch((error: unknown) => endWithOutput(command, error));
    });
};
