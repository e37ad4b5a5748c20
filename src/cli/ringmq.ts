#!/usr/bin/env node
/** The program `ringmq`. Each command has a file of its own. */
import { Command } from "commander";
import { VERSION } from "../main/version.js";
import { backupCommand, restoreCommand } from "./backup.js";
import { forgetEmptyVariables } from "./environment.js";
import { journalCommand } from "./journal.js";
import { serveCommand } from "./serve.js";
import { tortureCommand } from "./torture.js";

const USAGE = 2;

const program = new Command("ringmq")
  .description("A message broker: topics, queues, delays, dead letters; TCP, WebSocket and HTTP.")
  .version(VERSION)
  .addCommand(serveCommand())
  .addCommand(backupCommand())
  .addCommand(restoreCommand())
  .addCommand(journalCommand())
  .addCommand(tortureCommand());

// All errors of commander are usage errors.
for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
  command.exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : Math.max(error.exitCode, error.code === "commander.error" ? 1 : USAGE));
  });
}

forgetEmptyVariables(process.env);
await program.parseAsync();
