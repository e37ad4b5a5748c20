/**
 * Who the reader is to the server of the page: `console/session`, which keeps the token in a cookie that no script can read.
 */
import { computed, signal } from "@preact/signals";

export interface Session {
  /** What serves the page: a broker, or the console of several nodes. */
  readonly kind: "broker" | "nodes";
  /** A token is needed, and has not been shown. */
  readonly login: boolean;
  readonly user: string | null;
  readonly version: string;
  /** Why the server can show nothing at present, in its words; null: it can. */
  readonly unavailable: string | null;
}

/** What the server has refused, with its code. */
export class ServerError extends Error {
  constructor(
    readonly code: string,
    text: string,
  ) {
    super(text);
  }
}

/** The reader was logged in and is so no more, without having wished it. */
export const hasEnded = signal(false);

/** Undefined: it is not known yet. */
export const session = signal<Session | undefined>(undefined);

/** Of the server that this page is from. */
let ownVersion: string | undefined;

/** The server is of another version than the page: it was replaced while that was open. */
export const isOutdated = computed(() => {
  const { value: now } = session;
  return now !== undefined && now.version !== ownVersion;
});

/** A place beside the page, as `session` or `nodes`. */
export const placeOf = (name: string): URL => new URL(name, location.href.split(/[?#]/, 1)[0]);

const refusalIn = (body: unknown): { readonly code?: unknown; readonly text?: unknown } | undefined =>
  (body as { readonly error?: { readonly code?: unknown; readonly text?: unknown } } | null)?.error;

/**
 * Asks the server of the page, and returns the JSON of its answer, if any. Rejects with a ServerError: with the code and the text of the
 * server, or with CONNECT_FAILED.
 */
export const askServer = async (name: string, method = "GET", body?: unknown): Promise<unknown> => {
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  const response = await fetch(placeOf(name), { method, ...content }).catch((error: unknown) => {
    throw new ServerError("CONNECT_FAILED", String(error));
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer;
  const { code, text } = refusalIn(answer) ?? {};
  throw new ServerError(String(code ?? response.status), String(text ?? response.statusText));
};

/** What is as it was stays the same object: whoever watches it has nothing to do. */
const learn = (next: Session): void => {
  ownVersion ??= next.version;
  const { value: before } = session;
  if (before !== undefined && before.login !== next.login) hasEnded.value = next.login;
  if (JSON.stringify(next) !== JSON.stringify(before)) session.value = next;
};

export const readSession = async (): Promise<void> => learn((await askServer("session")) as Session);

export const logIn = async (token: string): Promise<void> =>
  learn((await askServer("session", "POST", { token })) as Session);

export const logOut = async (): Promise<void> => {
  await askServer("session", "DELETE");
  await readSession();
  hasEnded.value = false;
};
