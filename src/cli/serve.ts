/** `ringmq serve`: a broker that runs by flags, variables and a file. */
import { Command } from "commander";
import type { Broker } from "../index.js";
import type { Log } from "../main/log.js";
import { addSettings, configurationSource, refuseFaults } from "./configuration/command.js";
import { USAGE } from "./configuration/configuration.js";
import { Reloader } from "./configuration/reload.js";
import { ConfigError } from "./configuration-text.js";
import { unknownVariables } from "./environment.js";
import type { LogFile } from "./log-file.js";
import { FAILURE } from "./server-process.js";

const HELP = `
Sizes take kb, mb, gb and tb (powers of 1,024); times take ms, s, m and h.
Without users in the configuration file ([[users]], see ringmq token) or certificates of clients (--tls-client-ca), whoever
reaches a port may do everything: listen beyond this machine only in a network you trust.

Examples:
  ringmq serve
      on this machine only: native protocol on 9503, HTTP and WebSocket on 9504; messages in ./ringmq-data
  ringmq serve --data /var/lib/ringmq --durability write
      messages in another directory, confirmed by the system: a crash of the machine may lose the last second
  ringmq serve --tcp :9503 --http off --memory 2gb
      native protocol on all interfaces, no HTTP, 2 GiB for messages
  ringmq serve --tcp :9503 --http :9504 --tls-cert broker.pem --tls-key broker-key.pem --tls-client-ca ca.pem
      TLS on both ports, for clients with a certificate of ca.pem; SIGHUP reads the files again
  ringmq serve --config ringmq.toml --durability write
      as the file says, but for the durability; ringmq check-config shows what comes of it
  ringmq serve --tls-self-signed
      TLS with a certificate of the broker's own; clients check it by ringmq-data/certificate.pem
  curl -d 'data={"body":"hello","topic":"greetings"}' http://127.0.0.1:9504/push
  curl 'http://127.0.0.1:9504/pop?topic=greetings'
      publishes a message and pops it
`;

export const serveCommand = (): Command => {
  const command = new Command("serve").description("Runs a broker until it is told to stop (SIGTERM, SIGINT).");
  addSettings(command);
  command.addHelpText("after", HELP);
  return command.action(({ config }: { readonly config?: string }) => serve(command, config));
};

const serve = async (command: Command, path: string | undefined): Promise<void> => {
  const read = await configurationSource(command, path);
  const configuration = refuseFaults(command, read);
  const { level, format, file } = configuration.log;
  const [{ createLog }, { LogFile }, { standardError }] = await Promise.all([
    import("./log-lines.js"),
    import("./log-file.js"),
    import("./standard-error.js"),
  ]);
  const isForPrograms = format === "json";
  const end = (reason: string, exitCode: number): never => command.error(`error: ${reason}`, { exitCode });
  const say = (text: string): void => void process.stderr.write(text);
  const logFile =
    file === undefined ? undefined : refuseFaults(command, () => new LogFile(file, (reason) => say(`${reason}\n`)));
  const log = createLog(level, format, logFile?.write ?? standardError());
  // Before all else: what is logged from now on belongs into the new file.
  if (logFile !== undefined) process.on("SIGHUP", () => reopen(logFile, log));
  for (const unknown of unknownVariables(process.env, command)) {
    log.warn(unknown, "an environment variable is not one of the broker's: see ringmq serve --help");
  }
  const stop = (reason: string, exitCode: number): never => {
    if (logFile !== undefined || isForPrograms) log.error({}, reason);
    // Who starts a broker whose log is elsewhere, or says nothing, is told as well.
    if (isForPrograms && logFile === undefined && level !== "silent") process.exit(exitCode);
    return end(reason, exitCode);
  };
  const reloader = new Reloader(configuration, read, log);
  const { runBroker, logPlaces } = await import("./broker-process.js");
  await runBroker({
    options: configuration.options,
    log,
    hasBar: process.stderr.isTTY && level !== "silent",
    refuse: (reason) => stop(reason, USAGE),
    explain: (error) => configuration.names.explain(error),
    fail: (reason) => stop(reason, FAILURE),
    ...(isForPrograms && { announce: (broker: Broker) => logPlaces(broker, log) }),
    reload: (broker) => reloader.reload(broker),
  });
};

const reopen = (file: LogFile, log: Log): void => {
  try {
    file.reopen();
    log.info({}, "SIGHUP: the log goes on here");
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    log.error({}, `SIGHUP: the log goes on where it was: ${error.message}`);
  }
};
