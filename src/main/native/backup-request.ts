/** BACKUP: a request that the main thread answers itself in some later turn. */
import { type ErrorName, ProtocolError } from "../../protocol/errors.js";
import { unpackHead } from "../../protocol/head.js";
import type { BackupRefusal, BackupSummary } from "../data/backup.js";
import type { ConnectionContext } from "./connection-context.js";
import { guard } from "./error-boundary.js";

/** More than any system accepts. */
const MAX_PATH_BYTES = 4_096;

/** The connection that asked for the backup. */
export interface BackupClient {
  readonly isTcp: boolean;
  /** The request leaves the window. */
  settled(request: number): void;
  /** Answers later, and writes what it has answered. */
  answerLater(request: number, value: unknown): void;
  fail(kind: ErrorName, text: string, request: number): void;
  failLater(kind: ErrorName, text: string, request: number): void;
}

/** Makes a backup where `head` says, which is good until this returns. */
export const requestBackup = (
  context: ConnectionContext,
  client: BackupClient,
  head: Uint8Array,
  request: number,
): void => {
  const backup = begin(context, client, head);
  if (!(backup instanceof Promise)) {
    client.settled(request);
    return client.fail(backup.kind, backup.text, request);
  }
  guard(
    context.options.log,
    "a backup",
    () => answer(client, backup, request),
    () => client.failLater("BACKUP_FAILED", "there is no backup: the broker's log tells why", request),
  );
};

/** The path in the head of a BACKUP; undefined: it is not a path. Throws BAD_HEAD. */
const readBackupHead = (head: Uint8Array): string | undefined => {
  const [directory] = unpackHead(head, 0, head.length);
  if (typeof directory !== "string" || directory.length > MAX_PATH_BYTES || directory.includes("\0")) return undefined;
  return directory;
};

const begin = (
  context: ConnectionContext,
  client: BackupClient,
  head: Uint8Array,
): Promise<BackupSummary> | BackupRefusal => {
  try {
    return context.backup(client, readBackupHead(head));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { kind: error.kind, text: error.message };
  }
};

/** The broker makes one backup at a time, so that these are few. */
const answer = async (client: BackupClient, backup: Promise<BackupSummary>, request: number): Promise<void> => {
  try {
    const summary = await backup;
    client.settled(request);
    client.answerLater(request, summary);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    client.settled(request);
    client.failLater(error.kind, error.message, request);
  }
};
