#!/usr/bin/env node
/** The program `gclient`: one command to a node of gmq's, or to several. It prints what gmq's own program prints. */
import { once } from "node:events";
import { GmqConnection } from "../gmq-client/connection.js";
import { formatAddress } from "../main/ports/listening.js";
import { ConfigError } from "./configuration-text.js";
import { GCLIENT_FLAGS, type GclientSettings, gclientSettings } from "./gmq/gclient-settings.js";
import { goDuration, logLine } from "./gmq/go-log.js";
import { NODE_COMMANDS, type Printer } from "./gmq/node-commands.js";
import { popLoop } from "./gmq/pop-loop.js";
import { Settings } from "./gmq/settings.js";
import { goCommand, parseFlags, USAGE } from "./go-flags.js";
import { FAILURE } from "./server-process.js";

const NOTES = `
A flag is -name=value or -name value, with one dash or two. Messages that are popped stay in flight until they are
acknowledged, and come again otherwise. Lines go to standard error, as those of gmq's own program do.

Examples:
  gclient -node_addr=127.0.0.1:9503 -cmd=push -topic=greetings -push_num=1000
  gclient -cmd=push -topic=greetings -push_num=1 -message=hello
      publish
  gclient -cmd=pop -topic=greetings -pop_num=1
  gclient -cmd=ack -topic=greetings -msg_id=374389276810416130
  gclient -cmd=pop_loop -topic=greetings
      take one message, acknowledge it, print messages until stopped
  gclient -cmd=declare -topic=lessons -bind_key=homework
  gclient -cmd=push -topic=lessons -route_key=homework
  gclient -cmd=pop -topic=lessons -bind_key=homework
      a topic with a queue
  gclient -cmd=subscribe -channel=news
  gclient -cmd=publish -channel=news -message=hello
      a channel
  gclient -register_addr=http://127.0.0.1:9595 -cmd=push_by_weight -topic=greetings -push_num=1000
      over the nodes that are registered
`;

/** Above so many messages a terminal shows how far it is, instead of a line for each. */
const MAX_LINES = 1_000;

const command = goCommand({
  name: "gclient",
  description: "Publishes and takes messages, on one node or over several.",
  groups: GCLIENT_FLAGS,
  notes: NOTES,
});

const begin = performance.now();
const { stderr } = process;
// Who reads this has read enough, as `| head` does.
for (const stream of [process.stdout, stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : FAILURE));
}

/** A promise when whoever reads the lines is slower than they come: then it is to be waited for. */
const line = (text: string): Promise<unknown> | undefined =>
  stderr.write(logLine(text)) ? undefined : once(stderr, "drain");

/** Ends the process when all that was written before has been taken. */
const leave = (last: string, code: number): Promise<never> =>
  new Promise(() => {
    stderr.write(last, () => process.exit(code));
  });

const end = (code: number): Promise<never> =>
  leave(logLine(`${goDuration(performance.now() - begin)} in total.`), code);

const fail = (reason: string, code = FAILURE): Promise<never> => leave(`error: ${reason}\n`, code);

const connected = async (settings: GclientSettings): Promise<GmqConnection> => {
  try {
    return await GmqConnection.open(settings.node, settings.token);
  } catch (error) {
    const where = formatAddress(settings.node);
    return fail(
      `cannot connect to ${where}: ${(error as Error).message}\nIs a node running there? Start one with gnode, or name another with -node_addr.`,
    );
  }
};

const makePrinter = async ({
  command: name,
  pushCount,
}: GclientSettings): Promise<Printer & { readonly done: () => void }> => {
  const isLong = name.includes("push") && pushCount > MAX_LINES && stderr.isTTY;
  if (!isLong) return { line, progress: undefined, done: () => {} };
  const { Presets, SingleBar } = await import("cli-progress");
  const format = "pushing [{bar}] {percentage}% | {value} of {total} | {eta_formatted} left";
  const bar = new SingleBar({ stream: stderr, format, gracefulExit: false }, Presets.legacy);
  bar.start(pushCount, 0);
  return { line, progress: (done) => bar.update(done), done: () => bar.stop() };
};

const run = async (settings: GclientSettings): Promise<boolean> => {
  const { command: name } = settings;
  if (name === "pop_loop") {
    await connected(settings).then((node) => node.close());
    return await popLoop(() => GmqConnection.open(settings.node, settings.token), settings, line);
  }
  const toOne = NODE_COMMANDS[name];
  const node = toOne && (await connected(settings));
  const printer = await makePrinter(settings);
  try {
    if (node !== undefined && toOne !== undefined) return await toOne(node, settings, printer);
    const { MANY_NODE_COMMANDS } = await import("./gmq/many-node-commands.js");
    return (await MANY_NODE_COMMANDS[name]?.(settings, printer)) ?? false;
  } finally {
    printer.done();
    node?.close();
  }
};

const readSettings = (): GclientSettings => {
  try {
    return gclientSettings(new Settings(parseFlags(command, process.argv.slice(2)), undefined));
  } catch (error) {
    if (error instanceof ConfigError) return command.error(`error: ${error.message}`, { exitCode: USAGE });
    throw error;
  }
};

const settings = readSettings();
if (settings.command === "ack" && settings.id === "")
  await fail("ack needs the id of a message: -msg_id=374389276810416130", USAGE);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void end(0));
try {
  await end((await run(settings)) ? 0 : FAILURE);
} catch (error) {
  await fail((error as Error).message);
}
