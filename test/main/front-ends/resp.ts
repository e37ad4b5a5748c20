/** A front end in sixty lines: LPUSH, RPOP and BRPOP of RESP. docs/adding-a-front-end.md walks through it. */
import type { AnswerFrame } from "../../../src/main/native/answer-frame.js";
import { firstMessage, refusal, refusalMessage } from "../../../src/main/native/answer-reading.js";
import type { Session } from "../../../src/main/native/session.js";
import type { Client, FrontEnd } from "../../../src/main/ports/front-end.js";

const CRLF = "\r\n";
const NOTHING = Buffer.alloc(0);

/** A sign and a number in a line: that number, and where the next line begins; -1 when the line is not whole. */
const lineAt = (bytes: Buffer, start: number, end: number, sign: string): readonly [number, number] => {
  const stop = start < 0 || start >= end ? -1 : bytes.subarray(start, end).indexOf(CRLF);
  const line = bytes.toString("latin1", start, start + stop);
  if (stop >= 0 && (line[0] !== sign || !/^.\d{1,9}$/.test(line))) throw new Error(`this is not RESP: ${line}`);
  return stop < 0 ? [0, -1] : [Number(line.slice(1)), start + stop + CRLF.length];
};

/** The command in [start, end): its words, and where it ends; undefined: it is not whole. */
const commandAt = (bytes: Buffer, start: number, end: number): { words: Buffer[]; next: number } | undefined => {
  const words: Buffer[] = [];
  let [count, next] = lineAt(bytes, start, end, "*");
  if (next < 0) return undefined;
  for (; count > 0; count--) {
    const [length, from] = lineAt(bytes, next, end, "$");
    next = from + length + CRLF.length;
    if (from < 0 || next > end) return undefined;
    words.push(bytes.subarray(from, from + length));
  }
  return { words, next };
};

const run = (session: Session, client: Client, [command = NOTHING, key = NOTHING, value = NOTHING]: Buffer[]): void => {
  const say = (text: string): void => client.write(Buffer.from(text + CRLF, "latin1"));
  const answer = (read: (frame: AnswerFrame) => string) => (frame: AnswerFrame) =>
    say(refusal(frame) === undefined ? read(frame) : `-ERR ${refusalMessage(frame)}`);
  const name = `${command}`.toUpperCase();
  const wait = name === "BRPOP" ? Number(value) * 1000 : 0;
  if (name === "LPUSH") session.publish(`${key}`, value, {}, answer(pushed));
  else if (name === "RPOP" || name === "BRPOP") session.pop(`${key}`, "", { wait }, answer(popped));
  else session.inOrder(() => say(`-ERR unknown command '${name}'`));
};

const pushed = (): string => ":1";
const popped = (frame: AnswerFrame): string => {
  const message = firstMessage(frame);
  const body = message && Buffer.from(frame.bytes.subarray(message.start, message.end));
  return body === undefined ? "$-1" : `$${body.length}${CRLF}${body.toString("latin1")}`;
};

export const resp: FrontEnd = {
  name: "resp",
  recognizes: (bytes) => (bytes.length === 0 ? undefined : bytes[0] === "*".charCodeAt(0)),
  open: (session, client) => ({
    take: (bytes, start, end) => {
      const command = commandAt(bytes, start, end);
      if (command !== undefined) run(session, client, command.words);
      return command?.next ?? start;
    },
  }),
};
