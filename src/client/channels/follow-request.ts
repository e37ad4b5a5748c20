/**
 * SUBSCRIBE with options, and its answer.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { Patience, ResultRequest } from "../connection/pending-request.js";

/** What the broker tells of a subscription that it has begun. */
export interface Begun {
  readonly epoch: string;
  readonly position: number;
  readonly kept: boolean;
  /** Undefined when it did not go on from an epoch. */
  readonly recovered: boolean | undefined;
  readonly lost: number | undefined;
}

const readBegun = (value: unknown): Begun => {
  const { epoch, position, kept, recovered, lost } = Object(value) as { readonly [K in keyof Begun]?: unknown };
  if (typeof epoch !== "string" || !Number.isSafeInteger(position)) {
    throw new ProtocolError("BAD_FRAME", "a subscription begins without an epoch and a position");
  }
  return {
    epoch,
    position: Number(position),
    kept: kept === true,
    recovered: typeof recovered === "boolean" ? recovered : undefined,
    lost: typeof lost === "number" ? lost : undefined,
  };
};

/** Calls back while its RESULT is read. What awaits the promise runs only after the frames that follow it. */
export class FollowRequest extends ResultRequest<Begun> {
  readonly #onBegun: (begun: Begun) => void;

  constructor(onBegun: (begun: Begun) => void) {
    super(readBegun);
    this.#onBegun = onBegun;
  }

  override get patience(): Patience {
    return Patience.UNTIL_SENT;
  }

  protected override resolve(begun: Begun): void {
    this.#onBegun(begun);
    super.resolve(begun);
  }
}
