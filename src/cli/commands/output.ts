/** Standard output, no faster than it is read; standard error, whether or not anybody reads it. */
import { fstatSync, writeSync } from "node:fs";
import { escapeControls } from "../../main/data/control-characters.js";

const CLOSED = new Set(["EPIPE", "ERR_STREAM_DESTROYED"]);

/** Whoever has read standard output has closed it. */
export const isClosedOutput = (error: unknown): boolean =>
  error instanceof Error && "code" in error && CLOSED.has(String(error.code));

/** Standard output takes no more, and not because its reader has closed it. */
export class UnwritableOutput extends Error {
  override readonly name = "UnwritableOutput";

  constructor(cause: unknown) {
    super(`standard output cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

const watched = new WeakSet<NodeJS.WriteStream>();

/** Each write is told of its own failure. */
const watch = (stream: NodeJS.WriteStream): void => {
  if (!watched.has(stream)) stream.on("error", () => {});
  watched.add(stream);
};

let isFile: boolean | undefined;

/** To a file. A full disk takes a part of what it is given: the stream of Node.js would take that for the whole. */
const writeFile = (chunk: string | Uint8Array): void => {
  const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
  for (let at = 0; at < bytes.length; ) at += writeSync(process.stdout.fd, bytes, at);
};

/** Resolves when the system has taken all of it. Rejects when it does not: as `isClosedOutput` says, or with UnwritableOutput. */
export const write = async (chunk: string | Uint8Array): Promise<void> => {
  const { stdout } = process;
  watch(stdout);
  try {
    isFile ??= fstatSync(stdout.fd).isFile();
    if (isFile) return writeFile(chunk);
    await new Promise<void>((resolve, reject) => {
      stdout.write(chunk, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  } catch (error) {
    throw isClosedOutput(error) ? error : new UnwritableOutput(error);
  }
};

/** To standard error. Work does not end because nobody reads what is said about it. */
export const say = (text: string): void => {
  const { stderr } = process;
  watch(stderr);
  try {
    stderr.write(text);
  } catch {
    // A file on a full disk.
  }
};

/** JSON may have the control characters above ASCII as they are; a terminal may not. */
export const jsonText = (value: unknown): string => {
  const text = JSON.stringify(value);
  return process.stdout.isTTY ? escapeControls(text, "") : text;
};

export const writeJson = (...values: readonly unknown[]): Promise<void> =>
  write(values.map((value) => `${jsonText(value)}\n`).join(""));

/** A name, or another text that has it in it, for people: whoever chose it must not control the terminal. */
export const shownName = (name: string): string => escapeControls(name, "");
