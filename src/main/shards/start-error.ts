/** Why a broker does not start although its options are right, in words that tell what to do. */
export class StartError extends Error {
  override readonly name = "StartError";
}
