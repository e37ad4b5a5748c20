/** Requests about the broker itself, which the main thread answers: BACKUP, CONNECTIONS, CLOSE_CONNECTION. */
import { type ErrorName, ProtocolError } from "../../protocol/errors.js";
import { MAX_BROWSE } from "../../protocol/limits.js";
import { Op } from "../../protocol/op.js";
import type { HeadReader } from "../../workers/head-reader.js";
import { requestBackup } from "./backup-request.js";
import type { ConnectionContext } from "./connection-context.js";

/** The connection that asked. */
export interface BrokerRequester {
  readonly isTcp: boolean;
  /** The request leaves the window. */
  settled(request: number): void;
  /** Confirms, or answers with a value; the request leaves the window. */
  confirm(request: number, count: number): void;
  answer(request: number, value: unknown): void;
  fail(kind: ErrorName, text: string, request: number): void;
  /** The same in a later turn, of a request that has left the window: what is answered is written. */
  answerLater(request: number, value: unknown): void;
  failLater(kind: ErrorName, text: string, request: number): void;
}

const DEFAULT_PAGE = 100;

/** Carries out a request. `head` is good until this returns. */
export const carryOut = (
  context: ConnectionContext,
  client: BrokerRequester,
  op: number,
  head: Uint8Array,
  request: number,
): void => {
  if (op === Op.BACKUP) return requestBackup(context, client, head, request);
  try {
    const { reader } = context.calls;
    reader.begin(head, new DataView(head.buffer, head.byteOffset, head.length), 0, head.length);
    if (op === Op.CONNECTIONS) list(context, client, reader, request);
    else close(context, client, reader, request);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    client.settled(request);
    client.fail(error.kind, error.message, request);
  }
};

const list = ({ connections }: ConnectionContext, client: BrokerRequester, head: HeadReader, request: number): void => {
  const after = head.integer("after", 0, 0, Number.MAX_SAFE_INTEGER);
  const max = head.integer("max", DEFAULT_PAGE, 1, MAX_BROWSE);
  head.end();
  const page = connections.page(after, max);
  client.answer(request, [page.connections, page.more]);
};

/** Who closes its own connection has the answer first. */
const close = ({ connections }: ConnectionContext, client: BrokerRequester, head: HeadReader, request: number): void => {
  const connection = connections.find(head.integer("connection", 0, 1, Number.MAX_SAFE_INTEGER));
  head.end();
  client.confirm(request, connection === undefined ? 0 : 1);
  connection?.fail("CLOSED_BY_OPERATOR", "an operator has closed the connection", 0);
};
