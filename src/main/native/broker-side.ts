/** What a connection asks of the broker itself, and the main thread answers: BACKUP, CONNECTIONS, HISTORY, WATCH, … */
import { type ErrorName, ProtocolError } from "../../protocol/errors.js";
import { MAX_BROWSE } from "../../protocol/limits.js";
import { Op } from "../../protocol/op.js";
import type { HeadReader } from "../../workers/head-reader.js";
import { type BackupClient, requestBackup } from "./backup-request.js";
import type { Watcher } from "./broker-watch.js";
import type { ConnectionContext } from "./connection-context.js";
import { guard } from "./error-boundary.js";
import { answerConfirm, answerLongResult, answerResult } from "./local-answers.js";
import type { Outgoing } from "./outgoing.js";
import type { RequestWindow } from "./request-window.js";

const DEFAULT_PAGE = 100;

const MAX_U32 = 0xffff_ffff;

/** Lists of connections, and of samples, that one connection is answered before others are served: some milliseconds each. */
const MAX_LONG_ANSWERS = 8;

/** The connection that asks. */
export interface AskingConnection extends Watcher {
  readonly isTcp: boolean;
  readonly isOpen: boolean;
  fail(kind: ErrorName, text: string, request: number): void;
  flush(): void;
}

export class BrokerSide implements BackupClient {
  readonly #connection: AskingConnection;
  readonly #outgoing: Outgoing;
  readonly #window: RequestWindow;
  readonly #context: ConnectionContext;
  /** Since others were last served. */
  #longAnswers = 0;

  constructor(connection: AskingConnection, outgoing: Outgoing, window: RequestWindow, context: ConnectionContext) {
    this.#connection = connection;
    this.#outgoing = outgoing;
    this.#window = window;
    this.#context = context;
  }

  /** Carries out a request. `head` is good until this returns. */
  take(op: number, head: Uint8Array, request: number): void {
    if (op === Op.BACKUP) return requestBackup(this.#context, this, head, request);
    try {
      const { reader } = this.#context.calls;
      reader.begin(head, new DataView(head.buffer, head.byteOffset, head.length), 0, head.length);
      if (op === Op.CONNECTIONS) this.#list(reader, request);
      else if (op === Op.CLOSE_CONNECTION) this.#close(reader, request);
      else if (op === Op.HISTORY) this.#tell(reader, request);
      else if (op === Op.WATCH) this.#watch(reader, request);
      else this.#unwatch(reader, request);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.settled(request);
      this.fail(error.kind, error.message, request);
    }
  }

  /** The connection ends. */
  leave(): void {
    this.#context.watch?.remove(this.#connection);
  }

  // BackupClient

  get isTcp(): boolean {
    return this.#connection.isTcp;
  }

  settled(request: number): void {
    this.#window.clear(request);
  }

  fail(kind: ErrorName, text: string, request: number): void {
    this.#connection.fail(kind, text, request);
  }

  answerLater(request: number, value: unknown): void {
    if (!this.#connection.isOpen) return;
    answerResult(this.#outgoing, request, value);
    this.#connection.flush();
  }

  failLater(kind: ErrorName, text: string, request: number): void {
    this.fail(kind, text, request);
    this.#connection.flush();
  }

  #list(head: HeadReader, request: number): void {
    const after = head.integer("after", 0, 0, Number.MAX_SAFE_INTEGER);
    const max = head.integer("max", DEFAULT_PAGE, 1, MAX_BROWSE);
    head.end();
    this.#admitLongAnswer();
    const { connections, more } = this.#context.connections.page(after, max);
    this.settled(request);
    answerResult(this.#outgoing, request, [connections, more]);
  }

  /** Refuses one who reads none of its answers, or asks for too many of them at once: their requests are far shorter. */
  #admitLongAnswer(): void {
    if (this.#connection.bufferedBytes() > this.#context.options.maxOutgoingBytes) {
      throw new ProtocolError("BUSY", "too much is unsent to this connection");
    }
    if (this.#longAnswers >= MAX_LONG_ANSWERS) {
      throw new ProtocolError("BUSY", "too many long answers are asked for at once: ask again when others have come");
    }
    if (this.#longAnswers === 0) {
      setImmediate(() => {
        this.#longAnswers = 0;
      });
    }
    this.#longAnswers++;
  }

  #tell(head: HeadReader, request: number): void {
    const { history, options } = this.#context;
    const topic = head.name("topic");
    const idHigh = head.integer("id high", 0, 0, MAX_U32);
    const idLow = head.integer("id low", 0, 0, MAX_U32);
    head.end();
    if (history === undefined) throw new ProtocolError("NOT_ALLOWED", "this broker keeps no journal to look into");
    const tell = async (): Promise<void> => {
      try {
        const told = await history(topic, idHigh, idLow);
        this.settled(request);
        this.answerLater(request, told);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.settled(request);
        this.failLater(error.kind, error.message, request);
      }
    };
    guard(options.log, "the history of a message", tell, () => {
      this.settled(request);
      this.failLater("JOURNAL_FAILED", "the journal cannot be read: the broker's log tells why", request);
    });
  }

  #watch(head: HeadReader, request: number): void {
    const { watch } = this.#context;
    head.end();
    if (watch === undefined) throw new ProtocolError("NOT_ALLOWED", "this broker takes no samples");
    this.#admitLongAnswer();
    const { answer } = watch;
    this.settled(request);
    answerLongResult(this.#outgoing, request, answer);
    watch.add(this.#connection);
  }

  #unwatch(head: HeadReader, request: number): void {
    head.end();
    const did = this.#context.watch?.remove(this.#connection) === true;
    this.settled(request);
    answerConfirm(this.#outgoing, request, did ? 1 : 0);
  }

  /** Who closes its own connection has the answer first. */
  #close(head: HeadReader, request: number): void {
    const connection = this.#context.connections.find(head.integer("connection", 0, 1, Number.MAX_SAFE_INTEGER));
    head.end();
    this.settled(request);
    answerConfirm(this.#outgoing, request, connection === undefined ? 0 : 1);
    connection?.fail("CLOSED_BY_OPERATOR", "an operator has closed the connection", 0);
  }
}
