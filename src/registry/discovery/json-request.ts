/** A request to a registry or an etcd whose answer is JSON: limited in time and in size, no redirect followed. */

/** 1,024 nodes with addresses of the greatest length are about 700 KB. */
const MAX_ANSWER_BYTES = 2 * 1024 * 1024;

/** Long for a registry, short for whoever waits for a list of nodes. */
export const DEFAULT_TIMEOUT = 3000;

export interface RequestOptions {
  /** Ends the request. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the whole exchange. Default 3,000. */
  readonly timeout?: number | undefined;
  /** Shown as `Authorization: Bearer`. Default: none. */
  readonly token?: string | undefined;
}

export interface JsonAnswer {
  readonly status: number;
  readonly value: unknown;
}

/** Nobody answered as a registry does. It may be better another time. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

/**
 * GET, or POST with a body of JSON.
 *
 * @throws UnreachableError when there is no answer in time, or one that is too long or no JSON.
 * @throws the reason of `signal` when it ended the request.
 */
export const requestJson = async (
  url: string,
  body: string | undefined,
  options: RequestOptions,
): Promise<JsonAnswer> => {
  const { signal, timeout = DEFAULT_TIMEOUT, token } = options;
  signal?.throwIfAborted();
  // One of its own, taken off the given signal in the end: that may be one for a whole life of a node, and what
  // AbortSignal.any ties to it stays there in some versions of Node.
  const ending = new AbortController();
  const end = (): void => ending.abort();
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    end();
  }, timeout);
  signal?.addEventListener("abort", end);
  const given = {
    ...(body !== undefined && { method: "POST", body }),
    headers: {
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
  };
  try {
    const answer = await fetch(url, { ...given, redirect: "error", signal: ending.signal });
    return { status: answer.status, value: JSON.parse(await readText(answer)) };
  } catch (error) {
    signal?.throwIfAborted();
    const reason = isLate ? `does not answer within ${timeout} ms` : reasonOf(error);
    throw new UnreachableError(`${new URL(url).origin} ${reason}`, { cause: error });
  } finally {
    clearTimeout(limit);
    signal?.removeEventListener("abort", end);
  }
};

const readText = async (answer: Response): Promise<string> => {
  if (answer.body === null) return "";
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > MAX_ANSWER_BYTES) {
      await reader.cancel();
      throw new RangeError(`answers with more than ${MAX_ANSWER_BYTES} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
};

const reasonOf = (error: unknown): string => {
  if (error instanceof SyntaxError) return "does not answer with JSON";
  if (error instanceof RangeError) return error.message;
  const { cause } = error instanceof Error ? error : { cause: undefined };
  return `cannot be reached: ${cause instanceof Error && cause.message !== "" ? cause.message : String(error)}`;
};
