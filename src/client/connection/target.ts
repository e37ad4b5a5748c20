/**
 * How to connect to a broker: plain data, which may go to another thread.
 */
import type { TlsOptions } from "../arguments/options.js";

export interface BrokerTarget {
  readonly url: string;
  readonly name: string | undefined;
  readonly token: string | undefined;
  /** Milliseconds, or Infinity. */
  readonly connectTimeout: number;
  readonly tls: TlsOptions | undefined;
}
