/** `memmq` as a server in tests, and its simplest clients. */
import { once } from "node:events";
import { Agent, type RequestOptions, request } from "node:https";
import { onTestFinished } from "vitest";
import type { Running } from "./shell.js";

const LISTENS = /https:\/\/(?:localhost|127\.0\.0\.1|\[::\]):(\d+)\n/;

/** Where a server has said that it listens. */
export const portOf = async (server: Running): Promise<number> =>
  Number(LISTENS.exec((await server.said(LISTENS)) as string)?.[1]);

export const stop = async ({ child, exit }: Running): Promise<number | null> => {
  child.kill("SIGTERM");
  return await exit;
};

/** A publisher with one connection; answers the status of each publish. */
export const publisher = (port: number): ((topic: string, body: string) => Promise<number>) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
  onTestFinished(() => agent.destroy());
  return async (topic, body) => {
    const path = `/pub?topic=${encodeURIComponent(topic)}`;
    const options: RequestOptions = { host: "localhost", port, path, method: "POST", agent };
    const sent = request(options).end(body);
    const [response] = (await once(sent, "response")) as [{ statusCode: number; resume: () => void }];
    response.resume();
    return response.statusCode;
  };
};
