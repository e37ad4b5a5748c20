/**
 * Replaces the checks of the option `tls` in a build for pages, which cannot have it.
 */
import { localError } from "../base/error.js";

export const readTls = (): never => {
  const text = "a browser has certificates of its own and takes none from a page: leave the option tls out";
  throw localError("BAD_ARGUMENT", text);
};
