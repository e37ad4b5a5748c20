/** `ringmq backup` and `ringmq restore`. */
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { type Address, DEFAULT_HOST, DEFAULT_TCP_PORT } from "../main/options.js";
import { formatAddress } from "../main/ports/listening.js";
import { type ClientTlsFlags, clientTls, clientTlsFlags } from "./commands/client-tls.js";
import { reportErrors, withProgressBar } from "./data-commands.js";
import { ENVIRONMENT } from "./environment.js";
import { formatSize, parsePeer, plural } from "./units.js";

const FAILURE = 1;

const BACKUP_HELP = `
The broker goes on meanwhile; what it had confirmed before is in the backup. The directory is made on the machine of the
broker and must not exist; one below the working directory is meant where the path is not absolute. A broker that
listens for other machines refuses, unless it was started with --allow-backup. The backup is a data directory: restore
it, or look into it with ringmq journal.

Examples:
  ringmq backup /backup/ringmq-monday
  ringmq backup /backup/ringmq-monday --tcp 127.0.0.1:9503
  ringmq backup /backup/ringmq-monday --tcp localhost:9503 --tls-ca ca.pem
  ringmq journal verify /backup/ringmq-monday
`;

const NO_LIST =
  "note: ringmq backup did not make this, or a broker has started from it since: its records are whole, but whether files " +
  "are missing at its ends is not known\n";

const RESTORE_HELP = `
Checks first that each file of the backup is there and as it was written, and every record in it. The broker that
starts from the directory has what the backup has: messages that were acked after the backup come again, and what was
published after it is not there.

Example:
  ringmq restore /backup/ringmq-monday --data /var/lib/ringmq
  ringmq serve --data /var/lib/ringmq
`;

const DEFAULT_ADDRESS: Address = { host: DEFAULT_HOST, port: DEFAULT_TCP_PORT };

interface BackupFlags extends ClientTlsFlags {
  readonly tcp: Address;
}

interface Copied {
  readonly shards: number;
  readonly segments: number;
  readonly bytes: number;
}

/** `2 shards, 6 segments, 4.7 MiB`. */
const copiedText = ({ shards, segments, bytes }: Copied): string =>
  `${plural(shards, "shard")}, ${plural(segments, "segment")}, ${formatSize(bytes)}`;

export const backupCommand = (): Command => {
  const command = new Command("backup")
    .description("Has a running broker write a backup of itself.")
    .argument("<out>", "a directory that does not exist yet, on the broker's machine")
    .addOption(
      new Option("--tcp <address>", "where the broker speaks the native protocol: host:port, [IPv6]:port or port")
        .argParser(parsePeer)
        .default(DEFAULT_ADDRESS, formatAddress(DEFAULT_ADDRESS))
        .env(`${ENVIRONMENT}TCP`),
    )
    .addHelpText("after", BACKUP_HELP);
  for (const option of clientTlsFlags()) command.addOption(option);
  return command.action((out: string, flags: BackupFlags) => backup(command, resolve(out), flags));
};

export const restoreCommand = (): Command =>
  new Command("restore")
    .description("Makes a data directory out of a backup.")
    .argument("<backup>", "a directory that ringmq backup has made")
    .addOption(
      new Option("--data <dir>", "the data directory to make: new or empty")
        .env(`${ENVIRONMENT}DATA`)
        .makeOptionMandatory(),
    )
    .addHelpText("after", RESTORE_HELP)
    .action((from: string, { data }: { readonly data: string }, command: Command) =>
      reportErrors(command, async () => {
        const { restore } = await import("../inspection/index.js");
        const restored = await withProgressBar("restoring", (onRead) => restore(from, data, onRead));
        if (!restored.wasListed) process.stderr.write(NO_LIST);
        process.stdout.write(`restored ${copiedText(restored)}\nto use it: ringmq serve --data ${data}\n`);
      }),
    );

const backup = async (command: Command, out: string, { tcp, ...flags }: BackupFlags): Promise<void> => {
  const tls = clientTls(command, flags);
  const { connect, RingmqError } = await import("../client/index.js");
  try {
    await using client = await connect(`${tls === undefined ? "tcp" : "tls"}://${formatAddress(tcp)}`, {
      name: "ringmq backup",
      reconnect: false,
      tls,
    });
    process.stdout.write(`backed up ${copiedText(await client.backup(out))} to ${out}\n`);
  } catch (error) {
    if (!(error instanceof RingmqError)) throw error;
    command.error(`error: ${error.message} (${error.code})`, { exitCode: FAILURE });
  }
};
