/** An address that a broker cannot listen on. */

/** The text tells which address cannot be had, why, and what to do. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}
