/** A front end of beanstalkd's put, reserve, delete and quit: ids, leases, and commands of several requests. */
import type { AnswerFrame } from "../../../src/main/native/answer-frame.js";
import { firstMessage, publishedId, refusal, refusalMessage } from "../../../src/main/native/answer-reading.js";
import type { Session } from "../../../src/main/native/session.js";
import type { Lease } from "../../../src/main/native/session-options.js";
import type { Client, Codec, FrontEnd } from "../../../src/main/ports/front-end.js";
import { formatId } from "../../../src/protocol/id.js";
import { Answer } from "../../../src/protocol/op.js";

const CRLF = "\r\n";
const DAY = 86_400_000;

class Beanstalk implements Codec {
  /** What this client holds, by id, and out of which tube. */
  readonly #held = new Map<string, { readonly tube: string; readonly lease: Lease }>();
  /** To reserve from, the first that has a job. */
  readonly #watched = new Set(["default"]);
  #tube = "default";

  constructor(
    readonly session: Session,
    readonly client: Client,
  ) {}

  take(bytes: Buffer, start: number, end: number): number {
    const stop = bytes.subarray(start, end).indexOf(CRLF);
    if (stop < 0) return start;
    const [name = "", ...words] = bytes.toString("latin1", start, start + stop).split(" ");
    const next = start + stop + CRLF.length;
    if (name !== "put") {
      this.#run(name, words);
      return next;
    }
    const length = Number(words[3]);
    const after = next + length + CRLF.length;
    if (!Number.isInteger(length)) throw new Error("put without a length");
    if (after > end) return start;
    this.#put(Number(words[1]) * 1000, bytes.subarray(next, next + length));
    return after;
  }

  #say(text: string): void {
    this.client.write(Buffer.from(text + CRLF, "latin1"));
  }

  #run(name: string, [word = ""]: string[]): void {
    const { session } = this;
    switch (name) {
      case "use":
        this.#tube = word;
        return session.inOrder(() => this.#say(`USING ${word}`));
      case "watch":
        this.#watched.add(word);
        return session.inOrder(() => this.#say(`WATCHING ${this.#watched.size}`));
      case "reserve":
        return this.#reserve();
      case "delete":
        return this.#delete(word);
      case "quit":
        return session.end();
      default:
        return session.inOrder(() => this.#say("UNKNOWN_COMMAND"));
    }
  }

  #put(delay: number, body: Uint8Array): void {
    this.session.publish(this.#tube, body, { delay }, (frame) =>
      this.#say(frame.op === Answer.CONFIRM ? `INSERTED ${publishedId(frame)}` : refusalMessage(frame)),
    );
  }

  /** A request for each tube in turn; what is behind waits for the last. */
  #reserve(): void {
    const { session } = this;
    const release = session.hold();
    const [last, ...others] = [...this.#watched].reverse();
    const ask = (): void => {
      const tube = others.pop();
      if (tube === undefined) return session.pop(last ?? "", "", { wait: DAY }, answer(last ?? ""));
      session.pop(tube, "", {}, (frame) => (isEmpty(frame) ? ask() : answer(tube)(frame)));
    };
    const answer = (tube: string) => (frame: AnswerFrame) => {
      release();
      this.#reserved(tube, frame);
    };
    ask();
  }

  #reserved(tube: string, frame: AnswerFrame): void {
    const lease = frame.op === Answer.MESSAGES ? firstMessage(frame) : undefined;
    if (lease === undefined) return this.#say(refusal(frame) === undefined ? "TIMED_OUT" : refusalMessage(frame));
    const id = formatId(lease.idHigh, lease.idLow);
    this.#held.set(id, { tube, lease });
    this.#say(`RESERVED ${id} ${lease.end - lease.start}`);
    this.client.write(frame.bytes, lease.start, lease.end);
    this.#say("");
  }

  #delete(id: string): void {
    const held = this.#held.get(id);
    if (held === undefined) return this.session.inOrder(() => this.#say("NOT_FOUND"));
    this.#held.delete(id);
    this.session.ack(held.tube, "", held.lease, (frame) =>
      this.#say(frame.op === Answer.CONFIRM ? "DELETED" : "NOT_FOUND"),
    );
  }
}

/** A tube that nobody has used is no topic. */
const isEmpty = (frame: AnswerFrame): boolean =>
  frame.op === Answer.MESSAGES ? firstMessage(frame) === undefined : refusal(frame) === "NO_TOPIC";

const WORDS = /^(put|use|watch|reserve|delete|quit)[ \r]/;

export const beanstalk: FrontEnd = {
  name: "beanstalk",
  recognizes: (bytes) => {
    const text = Buffer.from(bytes).toString("latin1");
    if (WORDS.test(text)) return true;
    return text.length < 8 && /^[a-z]*$/.test(text) ? undefined : false;
  },
  open: (session, client) => new Beanstalk(session, client),
};
