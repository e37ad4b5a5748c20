/** `ringmq journal`: inspects the data directory of a broker that is not running. */
import { once } from "node:events";
import { Command, Option } from "commander";
import type { ShardRepair, ShardVerification } from "../inspection/index.js";
import { reportErrors, withProgressBar } from "./data-commands.js";
import { textTable } from "./text-table.js";
import { formatSize, parseCount, plural } from "./units.js";

/** Exit code: there is damage. */
const FAILURE = 1;

const VERIFY_HELP = `
Reads everything and changes nothing. Exits 0 when all is whole, 1 when something is damaged, 2 when it could not
check. A torn end of the last segment is no damage: it is what a crash leaves, was never confirmed, and is cut off by
the next start.

Example:
  ringmq journal verify /var/lib/ringmq
`;

const DUMP_HELP = `
One line for each record: where it is, what it is. Bodies and long lists are shortened. Where records are damaged the
line says DAMAGED and why, and it goes on at the next whole one; then it exits 1.

Examples:
  ringmq journal dump /var/lib/ringmq --shard 0 | less
  ringmq journal dump /var/lib/ringmq --json | jq 'select(.type == "publish") | .first'
`;

const REPAIR_HELP = `
Use it when a broker refuses to start because its journal is damaged, and there is no backup that serves better. What is
whole goes into a new directory that a broker starts from; DIR is only read and stays as it is. Messages whose records
are damaged are lost. Messages whose acks were in a damaged record come back. What is lost is listed by file and offset.

Example:
  ringmq journal verify /var/lib/ringmq
  ringmq journal repair /var/lib/ringmq /var/lib/ringmq-repaired
  ringmq serve --data /var/lib/ringmq-repaired
`;

export const journalCommand = (): Command => {
  const journal = new Command("journal").description(
    "Verifies, shows and repairs the data of a broker that is stopped.",
  );
  journal
    .command("verify")
    .description("Checks every record of every segment.")
    .argument("<dir>", "the data directory")
    .addHelpText("after", VERIFY_HELP)
    .action((dir: string, _: object, command: Command) => reportErrors(command, () => runVerify(dir)));
  journal
    .command("dump")
    .description("Shows the records.")
    .argument("<dir>", "the data directory")
    .addOption(new Option("--shard <n>", "this shard alone").argParser(parseCount))
    .addOption(new Option("--from <sequence>", "from this segment on").argParser(parseCount))
    .option("--json", "an object for each record")
    .addHelpText("after", DUMP_HELP)
    .action((dir: string, flags: DumpFlags, command: Command) => reportErrors(command, () => runDump(dir, flags)));
  journal
    .command("repair")
    .description("Saves what is whole into a new data directory.")
    .argument("<dir>", "the damaged data directory")
    .argument("<out>", "a directory that does not exist yet")
    .addHelpText("after", REPAIR_HELP)
    .action((dir: string, out: string, _: object, command: Command) =>
      reportErrors(command, () => runRepair(dir, out)),
    );
  return journal;
};

const runVerify = async (dir: string): Promise<void> => {
  const { verify } = await import("../inspection/index.js");
  const shards = await withProgressBar("verifying", (onRead) => verify(dir, onRead));
  process.stdout.write(
    textTable(
      ["shard", "segments", "records", "messages", "bytes", ""],
      shards.map((shard) => [
        String(shard.shard),
        String(shard.segments),
        String(shard.records),
        String(shard.messages),
        formatSize(shard.bytes),
        stateOf(shard),
      ]),
    ),
  );
  for (const { torn } of shards) {
    if (torn !== undefined) process.stdout.write(`torn    ${torn.file}, at byte ${torn.offset}: ${torn.what}\n`);
  }
  const damage = shards.flatMap((shard) => shard.damage);
  for (const { file, offset, what } of damage) process.stdout.write(`DAMAGED ${file}, at byte ${offset}: ${what}\n`);
  if (damage.length === 0) return;
  process.stdout.write(
    `A broker will not start from it. What is whole is saved by: ringmq journal repair ${dir} OUT\n`,
  );
  process.exitCode = FAILURE;
};

const stateOf = ({ damage, torn }: ShardVerification): string => {
  if (damage.length > 0) return "DAMAGED";
  return torn === undefined ? "whole" : "whole, with a torn end";
};

interface DumpFlags {
  readonly shard?: number;
  readonly from?: number;
  readonly json?: boolean;
}

const runDump = async (dir: string, { shard, from, json = false }: DumpFlags): Promise<void> => {
  const { dump, recordLine } = await import("../inspection/index.js");
  const { stdout } = process;
  // The reader has closed the pipe, as `| head` does.
  stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : FAILURE));
  for (const found of await dump(dir, { shard, from })) {
    const { what, file, ...place } = found;
    const isWhole = typeof what !== "string";
    const line = json
      ? JSON.stringify({ ...place, ...(isWhole ? what : { type: "damaged", file, what }) })
      : `${place.shard}/${place.segment}@${place.offset} ${isWhole ? recordLine(what) : `DAMAGED ${place.length} bytes: ${what}`}`;
    if (!isWhole) process.exitCode = FAILURE;
    if (!stdout.write(`${line}\n`)) await once(stdout, "drain");
  }
};

const runRepair = async (dir: string, out: string): Promise<void> => {
  const { repair } = await import("../inspection/index.js");
  const shards = await withProgressBar("repairing", (onRead) => repair(dir, out, onRead));
  process.stdout.write(
    textTable(
      ["shard", "records", "messages", "bytes", "lost"],
      shards.map(({ shard, records, messages, bytes, losses }) => [
        String(shard),
        String(records),
        String(messages),
        formatSize(bytes),
        lossText(losses),
      ]),
    ),
  );
  for (const { file, offset, length, what } of shards.flatMap(({ losses }) => losses)) {
    const where = length === 0 ? file : `${file}, at byte ${offset}, ${length} bytes`;
    process.stdout.write(`LOST ${where}: ${what}\n`);
  }
  for (const { torn } of shards) {
    if (torn === undefined) continue;
    process.stdout.write(`torn ${torn.file}, at byte ${torn.offset}: ${torn.length} bytes, never confirmed\n`);
  }
  process.stdout.write(`Saved to ${out}; ${dir} is as it was.\nTo use it: ringmq serve --data ${out}\n`);
  if (shards.every(({ losses }) => losses.length === 0)) return;
  process.stdout.write("Messages whose acks are among what was lost will be delivered again.\n");
};

/** Of a file that is not there nobody knows the bytes. */
const lossText = (losses: ShardRepair["losses"]): string => {
  if (losses.length === 0) return "nothing";
  const bytes = lostBytes(losses);
  return `${plural(losses.length, "stretch", "stretches")}, ${bytes === 0 ? "of unknown size" : formatSize(bytes)}`;
};

const lostBytes = (losses: ShardRepair["losses"]): number => losses.reduce((sum, { length }) => sum + length, 0);
