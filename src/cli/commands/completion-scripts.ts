/** Completion for bash, zsh and fish, as texts that these read. */

export interface OptionWords {
  /** With its dashes. */
  readonly flag: string;
  readonly description: string;
  readonly takesValue: boolean;
  /** The values that it takes; empty: any. */
  readonly choices: readonly string[];
}

export interface CommandWords {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionWords[];
  /** Those below it, as `list` of `dead`. */
  readonly commands: readonly CommandWords[];
  /** The values of its argument; empty: any. */
  readonly choices: readonly string[];
}

/** A command and where it stands: `dead list`. */
interface Placed {
  readonly path: string;
  readonly command: CommandWords;
}

const placed = (commands: readonly CommandWords[], above = ""): Placed[] =>
  commands.flatMap((command) => {
    const path = `${above}${command.name}`;
    return [{ path, command }, ...placed(command.commands, `${path} `)];
  });

const names = (of: readonly { readonly name: string }[]): string => of.map(({ name }) => name).join(" ");

const flags = (of: readonly OptionWords[]): string => [...of.map(({ flag }) => flag), "--help"].join(" ");

/** In single quotes of a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** What follows a flag with choices, as arms of a `case`. */
const choiceArms = (all: readonly Placed[], arm: (key: string, choices: readonly string[]) => string): string =>
  all
    .flatMap(({ path, command }) =>
      command.options
        .filter(({ choices }) => choices.length > 0)
        .map(({ flag, choices }) => arm(`${path} ${flag}`, choices)),
    )
    .join("");

const valueFlags = (all: readonly Placed[]): string =>
  [
    ...new Set(
      all.flatMap(({ command }) => command.options.filter(({ takesValue }) => takesValue)).map(({ flag }) => flag),
    ),
  ]
    .sort()
    .join("|");

export const bashScript = (commands: readonly CommandWords[]): string => {
  const all = placed(commands);
  const arms = all.map(
    ({ path, command }) =>
      `    ${quoted(path)}) words=${quoted([names(command.commands), ...command.choices].join(" ").trim())}; flags=${quoted(flags(command.options))} ;;\n`,
  );
  return `# Completion of ringmq for bash: source <(ringmq completion bash)
_ringmq() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local path="\${COMP_WORDS[1]}" words flags
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W ${quoted(names(commands))} -- "$current"))
    return
  fi
  case "$path" in
    ${commands
      .filter(({ commands: below }) => below.length > 0)
      .map(({ name }) => name)
      .join("|")}) ((COMP_CWORD > 2)) && path="$path \${COMP_WORDS[2]}" ;;
  esac
  case "$path $previous" in
${choiceArms(all, (key, choices) => `    ${quoted(key)}) COMPREPLY=($(compgen -W ${quoted(choices.join(" "))} -- "$current")); return ;;\n`)}  esac
  case "$previous" in
    # Files, as bash completes them by default: names may have spaces.
    ${valueFlags(all)}) return ;;
  esac
  case "$path" in
${arms.join("")}  esac
  if [[ "$current" == -* ]]; then words="$flags"; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _ringmq ringmq
`;
};

/** In a description of zsh: colons and brackets mean something there. */
const zshText = (text: string): string => text.replaceAll(/[[\]:\\]/g, "\\$&");

export const zshScript = (commands: readonly CommandWords[]): string => {
  const described = (of: readonly CommandWords[]): string =>
    of.map(({ name, description }) => quoted(`${name}:${zshText(description)}`)).join(" ");
  const spec = ({ flag, description, takesValue, choices }: OptionWords): string => {
    const value = choices.length > 0 ? `:value:(${choices.join(" ")})` : ":value:_files";
    return quoted(`${flag}[${zshText(description)}]${takesValue ? value : ""}`);
  };
  const rest = ({ choices }: CommandWords): string =>
    quoted(choices.length > 0 ? `*:argument:(${choices.join(" ")})` : "*:argument:_files");
  const arms = placed(commands).map(({ path, command }) =>
    command.commands.length > 0
      ? ""
      : `    ${quoted(path)}) _arguments ${[...command.options.map(spec), quoted("--help[shows help]"), rest(command)].join(" ")} ;;\n`,
  );
  const groups = commands.filter(({ commands: below }) => below.length > 0);
  const groupArms = groups.map(
    ({
      name,
      commands: below,
    }) => `    ${name}) if ((CURRENT == 3)); then commands=(${described(below)}); _describe command commands; return; fi
      command="$command $words[3]"; by=2 ;;\n`,
  );
  return `#compdef ringmq
# Completion of ringmq for zsh: ringmq completion zsh > "\${fpath[1]}/_ringmq"
_ringmq() {
  local -a commands
  local command="$words[2]" by=1
  if ((CURRENT == 2)); then
    commands=(${described(commands)})
    _describe command commands
    return
  fi
  case "$command" in
${groupArms.join("")}  esac
  shift $by words
  ((CURRENT -= by))
  case "$command" in
${arms.join("")}  esac
}
if [[ "$funcstack[1]" == _ringmq ]]; then _ringmq "$@"; else compdef _ringmq ringmq; fi
`;
};

export const fishScript = (commands: readonly CommandWords[]): string => {
  const lines: string[] = [];
  const add = (commandsBelow: readonly CommandWords[], condition: string): void => {
    for (const { name, description } of commandsBelow) {
      lines.push(`complete -c ringmq -f -n ${quoted(condition)} -a ${name} -d ${quoted(description)}`);
    }
  };
  add(commands, "__fish_use_subcommand");
  for (const { path, command } of placed(commands)) {
    const condition = path
      .split(" ")
      .map((name) => `__fish_seen_subcommand_from ${name}`)
      .join("; and ");
    const isNew = command.commands.map(({ name }) => name).join(" ");
    add(command.commands, `${condition}; and not __fish_seen_subcommand_from ${isNew}`);
    for (const choice of command.choices) lines.push(`complete -c ringmq -f -n ${quoted(condition)} -a ${choice}`);
    for (const { flag, description, takesValue, choices } of command.options) {
      const value = choices.length > 0 ? ` -x -a ${quoted(choices.join(" "))}` : " -r";
      lines.push(
        `complete -c ringmq -n ${quoted(condition)} -l ${flag.slice(2)}${takesValue ? value : ""} -d ${quoted(description)}`,
      );
    }
  }
  return `# Completion of ringmq for fish: ringmq completion fish > ~/.config/fish/completions/ringmq.fish
${lines.join("\n")}
`;
};
