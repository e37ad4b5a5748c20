/** What the commands that are clients of a broker share: how they connect, and how they end. */
import { type Command, Option } from "commander";
import type { Client, ConnectOptions } from "../../client/index.js";
import { formatAddress } from "../../main/ports/listening.js";
import { SERVER_VARIABLE, TOKEN_VARIABLE } from "../environment.js";
import { addressOf, parseDuration } from "../units.js";
import { type ClientTlsFlags, clientTls, clientTlsFlags } from "./client-tls.js";
import { EXIT, EXIT_TEXTS, exitCodeOf } from "./exit-codes.js";
import { isClosedOutput, shownName, UnwritableOutput } from "./output.js";

const DEFAULT_SERVER = "tcp://127.0.0.1:9503";

export interface BrokerFlags extends ClientTlsFlags {
  readonly server: string;
  readonly token?: string;
  readonly json?: boolean;
}

/** The flag of commands for one queue, as `option` takes it. */
export const QUEUE_FLAG = ["--queue <key>", "the queue's bind key (default: the queue default)"] as const;

const FOOTER = `
Exit codes:
${Object.entries(EXIT_TEXTS)
  .map(([code, text]) => `  ${code}  ${text}`)
  .join("\n")}
`;

/** Adds the flags that all of them have, and the examples at the end of the help. */
export const withBrokerFlags = (command: Command, help: string): Command => {
  command
    .option("--json", "prints JSON, an object a line")
    .addOption(
      new Option("--server <url>", "the broker: tcp://, tls://, ws:// or wss:// with host and port, or host:port")
        .default(DEFAULT_SERVER)
        .env(SERVER_VARIABLE),
    )
    // Flags are seen by whoever lists the processes of the machine.
    .addOption(
      new Option(
        "--token <token>",
        "says who you are to a broker that has users; others on this machine see flags, so rather set the variable",
      ).env(TOKEN_VARIABLE),
    )
    .addHelpText("after", `${help}${FOOTER}`);
  for (const option of clientTlsFlags()) command.addOption(option);
  return command;
};

/** The flag of commands that go on when they lose the broker. */
export interface ReconnectFlags {
  readonly reconnect?: number;
}

/** Adds the flag. */
export const withReconnect = (command: Command): Command =>
  command.addOption(
    new Option(
      "--reconnect <time>",
      "how long to wait for a broker that was lost, 0 to end at once (default: for ever)",
    ).argParser(parseDuration),
  );

/** It gives nothing up that it has begun, until the broker is given up. */
const lasting = ({ reconnect = Number.POSITIVE_INFINITY }: ReconnectFlags): ConnectOptions =>
  reconnect === 0
    ? { reconnect: false }
    : {
        reconnect: { timeout: reconnect },
        publishTimeout: Number.POSITIVE_INFINITY,
        requestTimeout: Number.POSITIVE_INFINITY,
      };

/** As `connect` takes it: a host and a port alone are an address of the native protocol. */
const urlOf = (server: string, isTls: boolean): string => {
  if (server.includes("://")) return server;
  const address = addressOf(server);
  return `${isTls ? "tls" : "tcp"}://${address === undefined ? server : formatAddress(address)}`;
};

/** Ends the program, if the error is that its output takes no more. */
export const endWithOutput = (command: Command, error: unknown): void => {
  // Whoever reads this has read enough, as `| head` does.
  if (isClosedOutput(error)) process.exit(0);
  if (error instanceof UnwritableOutput) command.error(`error: ${error.message}`, { exitCode: EXIT.failed });
};

/** As `onBroker`, for a command with the flag `--reconnect`: it goes on when it loses the broker. */
export const onLastingBroker = (
  command: Command,
  flags: BrokerFlags & ReconnectFlags,
  work: (client: Client) => Promise<void>,
): Promise<void> => onBroker(command, flags, work, lasting(flags));

const HINTS: Readonly<Record<string, string>> = {
  CONNECT_FAILED: "\nTo name another broker, give --server.",
  UNAUTHORIZED: "\nTo show another token, give --token, or set RINGMQ_TOKEN.",
};

/** Connects, does the work, closes. An error ends the program with one line and its exit code. */
export const onBroker = async (
  command: Command,
  flags: BrokerFlags,
  work: (client: Client) => Promise<void>,
  options: ConnectOptions = { reconnect: false },
): Promise<void> => {
  const tls = clientTls(command, flags);
  const { connect, RingmqError } = await import("../../client/index.js");
  try {
    await using client = await connect(urlOf(flags.server, tls !== undefined), {
      name: `ringmq ${command.name()}`,
      token: flags.token,
      tls,
      ...options,
    });
    await work(client);
  } catch (error) {
    endWithOutput(command, error);
    if (error instanceof CommandError) {
      command.error(`error: ${shownName(error.message)}`, { exitCode: error.exitCode });
    }
    if (!(error instanceof RingmqError)) throw error;
    const hint = HINTS[error.code] ?? "";
    command.error(`error: ${shownName(error.message)} (${error.code})${hint}`, { exitCode: exitCodeOf(error) });
  }
};

/** Ends the program with this line and this exit code. */
export class CommandError extends Error {
  override readonly name = "CommandError";

  constructor(
    text: string,
    readonly exitCode: number = EXIT.failed,
  ) {
    super(text);
  }
}
