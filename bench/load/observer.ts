/**
 * Looks at a broker as operators do, until its process is ended: `/metrics` is read each second, and a console is open, which
 * is told a sample each second.
 */
import { setInterval } from "node:timers/promises";
import { connect } from "ringmq/client";
import { type Address, url } from "../wire/address.js";
import type { Role } from "./role.js";

export interface Observe {
  readonly address: Address;
  /** `http://host:port` */
  readonly http: string;
}

const SCRAPE_MS = 1_000;

const scrape = async ({ address: { token }, http }: Observe): Promise<void> => {
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const answer = await fetch(`${http}/metrics`, { headers });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`/metrics: ${answer.status} ${text}`);
};

export const observer: Role<Observe, never> = async (params) => {
  const client = await connect(url(params.address), { name: "bench" });
  const watch = await client.watch();
  await scrape(params);
  return {
    run: async () => {
      const watched = (async () => {
        for await (const _sample of watch);
      })();
      for await (const _tick of setInterval(SCRAPE_MS)) await scrape(params);
      await watched;
      throw new Error("the observer is never done");
    },
  };
};
