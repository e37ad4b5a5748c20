/** `ringmq completion`: what a shell needs to complete the program's command lines, made of its own commands. */
import { Argument, Command } from "commander";
import { endWithOutput } from "./broker-command.js";
import { bashScript, type CommandWords, fishScript, zshScript } from "./completion-scripts.js";
import { write } from "./output.js";

const HELP = `
Examples:
  echo 'source <(ringmq completion bash)' >> ~/.bashrc
  ringmq completion zsh > "\${fpath[1]}/_ringmq"
  ringmq completion fish > ~/.config/fish/completions/ringmq.fish
`;

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** `commands`: makes all commands of the program. */
export const completionCommand = (commands: () => Promise<readonly Command[]>): Command => {
  const command = new Command("completion");
  return command
    .description("Prints what a shell needs to complete command lines.")
    .addArgument(new Argument("<shell>", "the shell").choices(Object.keys(SCRIPTS)))
    .addHelpText("after", HELP)
    .action(async (shell: keyof typeof SCRIPTS) => {
      const known = (await commands()).map(wordsOf);
      await write(SCRIPTS[shell](known)).catch((error: unknown) => endWithOutput(command, error));
    });
};

const wordsOf = (command: Command): CommandWords => ({
  name: command.name(),
  description: command.description(),
  options: command.options.flatMap(({ long, description, required, optional, argChoices, hidden }) =>
    hidden || !long ? [] : [{ flag: long, description, takesValue: required || optional, choices: argChoices ?? [] }],
  ),
  commands: command.commands.map(wordsOf),
  choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
});
