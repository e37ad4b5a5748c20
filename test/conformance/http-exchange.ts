/**
 * One HTTP request, its path and body as they are written; over a socket of its own unless an agent is given, and over TLS
 * if `send` does that.
 */
import { type Agent, request } from "node:http";

export interface HttpRequest {
  readonly method: string;
  /** With the query string. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface HttpAnswer {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: string;
}

export const exchange = (
  port: number,
  { method, path, headers, body }: HttpRequest,
  agent?: Agent,
  send = request,
): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    // Said for every method: node:http leaves it out of a GET, whose body then looks like another request.
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const outgoing = send(
      { host: "127.0.0.1", port, method, path, headers: { ...length, ...headers }, ...(agent && { agent }) },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () =>
          resolve({
            status: answer.statusCode ?? 0,
            type: answer.headers["content-type"],
            body: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
