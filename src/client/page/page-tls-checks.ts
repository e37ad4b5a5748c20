/**
 * Replaces the checks of the option `tls` in a build for pages, which cannot have it.
 */
import { localError } from "../base/error.js";

export const readTls = (): never => {
  const text = "a browser has certificates of its own: leave out tls";
  throw localError("BAD_ARGUMENT", text);
};
