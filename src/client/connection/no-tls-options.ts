/**
 * Replaces the TLS options in a bundle for browsers, by the `browser` field of package.json.
 */
import type { TlsOptions } from "../arguments/options.js";
import { localError } from "../base/error.js";

export const secureOptions = (_given: TlsOptions): never => {
  throw localError(
    "BAD_ARGUMENT",
    "a browser has certificates of its own and takes none from a page: leave the option tls out",
  );
};
