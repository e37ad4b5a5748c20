/** `ringmq check-config`: what `ringmq serve` would say to a configuration, and what would come of it. */
import { Command } from "commander";
import { say, write } from "./commands/output.js";
import { addSettings, configurationSource, refuseFaults } from "./configuration/command.js";
import { type Configuration, checkCertificates } from "./configuration/configuration.js";
import { unknownVariables } from "./environment.js";

const HELP = `
The file is checked with the flags and the environment that ringmq serve would have with it, and so are the files of
certificates that it names. What comes of it is printed as a file, each value with where it comes from. When something is
wrong, all of it is said, and the exit code is 2. When the disk of the data directory is too small for the journal, a note
says so. Nothing is started, and no directory is touched.

Examples:
  ringmq check-config ringmq.toml
  ringmq check-config ringmq.toml --durability write
`;

export const checkConfigCommand = (): Command => {
  const command = new Command("check-config").description("Checks the configuration of a broker and shows it.");
  command.argument("[file]", "the configuration file, as --config of ringmq serve");
  addSettings(command);
  command.addHelpText("after", HELP);
  return command.action((file: string | undefined, { config }: { readonly config?: string }) =>
    check(command, file ?? config),
  );
};

const check = async (command: Command, path: string | undefined): Promise<void> => {
  const read = await configurationSource(command, path);
  const configuration = refuseFaults(command, read);
  refuseFaults(command, () => checkCertificates(configuration));
  for (const { variable, meant } of unknownVariables(process.env, command)) {
    say(`note: ${variable} is not one of the broker's variables${meant === undefined ? "" : `; ${meant} is`}\n`);
  }
  await noteLackOfRoom(configuration);
  const { effectiveText } = await import("./configuration/effective.js");
  await write(effectiveText(configuration));
};

const noteLackOfRoom = async ({ resolved }: Configuration): Promise<void> => {
  if (resolved.durability === "memory") return;
  const { journalSpace, lackOfRoom, TOO_SMALL } = await import("../main/data/journal-room.js");
  // It may be another machine's.
  const space = await journalSpace(resolved.data).catch(() => undefined);
  const lack = space && lackOfRoom(resolved, space);
  if (lack === undefined) return;
  const { needed, available, remedy } = lack;
  say(`note: in ${resolved.data}, ${TOO_SMALL}; it needs ${needed} bytes and can have ${available}: ${remedy}\n`);
};
