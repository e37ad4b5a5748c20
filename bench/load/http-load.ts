/**
 * Posts the same form again and again with autocannon.
 */
import { type HttpOutcome, runAutocannon } from "./autocannon-run.js";
import type { Role } from "./role.js";

export interface HttpLoad {
  readonly url: string;
  /** An urlencoded form. */
  readonly form: string;
  readonly requests: number;
  readonly connections: number;
  readonly seconds: number;
}

export const httpLoad: Role<HttpLoad, HttpOutcome> = ({ url, form, requests, connections, seconds }) => {
  const options = {
    url,
    method: "POST" as const,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: form,
    connections,
    amount: requests,
  };
  return Promise.resolve({ run: () => runAutocannon(options, seconds) });
};
