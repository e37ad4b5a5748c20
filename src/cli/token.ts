/** `ringmq token`: makes a token for a user of a broker, and what its configuration file has of it. */
import { randomBytes } from "node:crypto";
import { Command, Option } from "commander";
import { hashOf } from "../main/access/access.js";
import { write } from "./commands/output.js";

/** So that a token that has got into the wrong hands, or files, is found. */
const PREFIX = "ringmq_";

/** Nobody guesses 256 bits that are random: a hash that is fast is enough to keep them. */
const TOKEN_BYTES = 32;

const HELP = `
The token is printed once and kept nowhere; the broker knows its SHA-256. Whoever has the token is the user.

Example:
  ringmq token
      ringmq_… is for the client: RINGMQ_TOKEN, tcp://ringmq_…@host:port, or Authorization: Bearer ringmq_…
      { hash = "sha256:…" } is for tokens of the user in ringmq.toml; then SIGHUP
`;

export const tokenCommand = (): Command =>
  new Command("token")
    .description("Makes a token for a user, and the hash of it for the configuration file.")
    .addOption(new Option("--json", "prints an object with token and hash"))
    .addHelpText("after", HELP)
    .action(({ json = false }: { readonly json?: boolean }) => printToken(json));

const printToken = async (isJson: boolean): Promise<void> => {
  const token = PREFIX + randomBytes(TOKEN_BYTES).toString("base64url");
  const hash = hashOf(token);
  await write(isJson ? `${JSON.stringify({ token, hash })}\n` : `${token}\n{ hash = "${hash}" }\n`);
};
