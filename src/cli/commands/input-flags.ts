/** The flags of what is published: from where, and in which form. */
import { InvalidArgumentError, Option } from "commander";

export interface InputFlags {
  readonly key?: string;
  readonly header?: Readonly<Record<string, string>>;
  readonly file?: string;
  readonly lines?: boolean;
  readonly jsonLines?: boolean;
}

const parseHeader = (text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => {
  const at = text.indexOf("=");
  if (at <= 0) throw new InvalidArgumentError("It must be a name and a value, such as source=shop.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
};

export const headerFlag = (): Option =>
  new Option("--header <name=value>", "a header; may be given several times").argParser(parseHeader);

export const inputFlags = (): Option[] => [
  new Option("--file <path>", "reads this file, - for standard input: it is one message"),
  new Option("--lines", "each line of the input is a message"),
  new Option("--json-lines", "each line of the input is a JSON object"),
];

/** What of them does not go together. */
export const inputConflict = (
  bodies: readonly string[],
  { file, lines, jsonLines }: InputFlags,
): string | undefined => {
  if (bodies.length > 0 && (file !== undefined || lines || jsonLines)) {
    return "messages are on the command line: leave --file, --lines and --json-lines out";
  }
  return lines && jsonLines ? "--lines and --json-lines: leave one of them out" : undefined;
};
