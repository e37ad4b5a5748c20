#!/usr/bin/env node
/** The program `ringmq`. Each command has a file of its own, and is loaded when it is the one that is run. */
import { Command } from "commander";
import { VERSION } from "../protocol/version.js";
import { say } from "./commands/output.js";
import { forgetEmptyVariables } from "./environment.js";

const USAGE = 2;

/** In the order of the help. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import("./serve.js")).serveCommand(),
  "check-config": async () => (await import("./check-config.js")).checkConfigCommand(),
  token: async () => (await import("./token.js")).tokenCommand(),
  publish: async () => (await import("./commands/publish.js")).publishCommand(),
  consume: async () => (await import("./commands/consume.js")).consumeCommand(),
  work: async () => (await import("./commands/work.js")).workCommand(),
  pop: async () => (await import("./commands/pop.js")).popCommand(),
  ack: async () => (await import("./commands/settle.js")).ackCommand(),
  nack: async () => (await import("./commands/settle.js")).nackCommand(),
  topics: async () => (await import("./commands/stat.js")).topicsCommand(),
  stat: async () => (await import("./commands/stat.js")).statCommand(),
  top: async () => (await import("./commands/top.js")).topCommand(),
  explain: async () => (await import("./commands/explain.js")).explainCommand(),
  history: async () => (await import("./commands/history.js")).historyCommand(),
  connections: async () => (await import("./commands/connections.js")).connectionsCommand(),
  peek: async () => (await import("./commands/peek.js")).peekCommand(),
  find: async () => (await import("./commands/find.js")).findCommand(),
  dead: async () => (await import("./commands/dead.js")).deadCommand(),
  redrive: async () => (await import("./commands/dead.js")).redriveCommand(),
  cancel: async () => (await import("./commands/jobs.js")).cancelCommand(),
  reschedule: async () => (await import("./commands/jobs.js")).rescheduleCommand(),
  "run-now": async () => (await import("./commands/jobs.js")).runNowCommand(),
  config: async () => (await import("./commands/config.js")).configCommand(),
  pause: async () => (await import("./commands/pause.js")).pauseCommand(),
  resume: async () => (await import("./commands/pause.js")).resumeCommand(),
  purge: async () => (await import("./commands/purge.js")).purgeCommand(),
  delete: async () => (await import("./commands/purge.js")).deleteCommand(),
  channel: async () => (await import("./commands/channel.js")).channelCommand(),
  request: async () => (await import("./commands/request.js")).requestCommand(),
  respond: async () => (await import("./commands/respond.js")).respondCommand(),
  bench: async () => (await import("./commands/bench.js")).benchCommand(),
  backup: async () => (await import("./backup.js")).backupCommand(),
  restore: async () => (await import("./backup.js")).restoreCommand(),
  journal: async () => (await import("./journal.js")).journalCommand(),
  torture: async () => (await import("./torture.js")).tortureCommand(),
  completion: async () => (await import("./commands/completion.js")).completionCommand(allCommands),
};

const allCommands = (): Promise<Command[]> => Promise.all(Object.values(COMMANDS).map((make) => make()));

const program = new Command("ringmq")
  .description("A message broker: topics, queues, delays, dead letters; TCP, WebSocket and HTTP.")
  .version(VERSION);

const [, , word = ""] = process.argv;
const isVersion = word === "--version" || word === "-V";
const named = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined;
// The help, and what says which command was meant, need all of them.
if (named !== undefined) program.addCommand(await named());
else if (!isVersion) for (const command of await allCommands()) program.addCommand(command);

// All errors of commander are usage errors.
for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
  command.configureOutput({ writeErr: say });
  command.exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : Math.max(error.exitCode, error.code === "commander.error" ? 1 : USAGE));
  });
}

forgetEmptyVariables(process.env);
await program.parseAsync();
