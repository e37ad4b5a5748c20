/**
 * CONSUME, and its answer.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { Patience, ResultRequest } from "../connection/pending-request.js";
import type { ConsumerTerms } from "./consumer-feed.js";

const readTerms = (value: unknown): ConsumerTerms => {
  const { now, ttr, autoAck } = Object(value) as { readonly [K in keyof ConsumerTerms]?: unknown };
  if (typeof now !== "number" || typeof ttr !== "number" || typeof autoAck !== "boolean") {
    throw new ProtocolError("BAD_FRAME", "a consumer begins without the broker's time, the TTR and the ack mode");
  }
  return { now, ttr, autoAck };
};

/** Calls back while its RESULT is read. What awaits the promise runs only after the frames that follow it. */
export class ConsumeRequest extends ResultRequest<ConsumerTerms> {
  readonly #onBegun: (terms: ConsumerTerms) => void;

  constructor(onBegun: (terms: ConsumerTerms) => void) {
    super(readTerms);
    this.#onBegun = onBegun;
  }

  override get patience(): Patience {
    return Patience.UNTIL_SENT;
  }

  protected override resolve(terms: ConsumerTerms): void {
    this.#onBegun(terms);
    super.resolve(terms);
  }
}
