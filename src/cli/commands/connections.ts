/** `ringmq connections`. */
import { Command } from "commander";
import type { Client, ConnectionInfo, ConsumerInfo } from "../../client/index.js";
import { textTable } from "../text-table.js";
import { ageText, parseCount, plural } from "../units.js";
import { type BrokerFlags, CommandError, onBroker, withBrokerFlags } from "./broker-command.js";
import { shownName, write, writeJson } from "./output.js";

const HELP = `
What a connection holds and may still be sent is the sum of its consumers. Rates are those of the last second.

Examples:
  ringmq connections
  ringmq connections --json | jq 'select(.held)'
  ringmq connections --close 17
`;

interface Flags extends BrokerFlags {
  readonly close?: number;
}

/** A connection with what its consumers have. */
interface Row extends ConnectionInfo {
  readonly inFlight: number;
  readonly credit: number;
}

export const connectionsCommand = (): Command => {
  const command = new Command("connections")
    .description("Lists the connections of the broker, or closes one.")
    .option("--close <id>", "closes this one", parseCount);
  withBrokerFlags(command, HELP);
  return command.action(({ close, ...flags }: Flags) =>
    onBroker(command, flags, async (client) => {
      if (close !== undefined) return closeOne(client, close, flags.json === true);
      const rows = await rowsOf(client);
      await (flags.json ? writeJson(...rows) : write(tableOf(rows)));
    }),
  );
};

const closeOne = async (client: Client, id: number, json: boolean): Promise<void> => {
  if (!(await client.closeConnection(id))) throw new CommandError(`there is no connection ${id}`);
  await (json ? writeJson({ closed: id }) : write(`closed ${id}\n`));
};

const rowsOf = async (client: Client): Promise<Row[]> => {
  const held = new Map<number, Pick<ConsumerInfo, "inFlight" | "credit">>();
  for await (const { connection, inFlight, credit, pop } of client.consumers()) {
    const before = held.get(connection) ?? { inFlight: 0, credit: 0 };
    const more = pop ? 0 : Math.max(0, credit);
    held.set(connection, { inFlight: before.inFlight + inFlight, credit: before.credit + more });
  }
  const rows: Row[] = [];
  for await (const connection of client.connections()) {
    const { inFlight = 0, credit = 0 } = held.get(connection.id) ?? {};
    rows.push({ ...connection, inFlight, credit });
  }
  return rows;
};

const HEAD = [
  "id",
  "protocol",
  "user",
  "unanswered",
  "consumers",
  "in flight",
  "credit",
  "in B/s",
  "out B/s",
  "unsent",
  "since",
  "address, name",
] as const;

const tableOf = (rows: readonly Row[]): string => {
  const now = Date.now();
  const cells = rows.map((row) => [
    String(row.id),
    row.protocol,
    shownName(row.user),
    ...[row.unanswered, row.consumers, row.inFlight, row.credit].map(String),
    ...[row.receivedRate, row.sentRate, row.unsentBytes].map(String),
    ageText(now - row.since),
    `${shownName(`${row.address} ${row.name}`).trim()}${row.held ? " (held: it takes too little)" : ""}`,
  ]);
  return `${plural(rows.length, "connection")}\n${textTable(HEAD, cells)}`;
};
