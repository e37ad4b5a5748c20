/** SUBSCRIBE and its answer, a RESULT that tells how the subscription begins. */
import { PromisedRequest } from "../../client/connection/pending-request.js";
import type { SubscribeOptions, SubscriptionStart } from "../channels.js";

/** The head of a SUBSCRIBE: `[channel, overflow, options]`. Without options, even none, it would be answered by a count. */
export const subscribeHead = (channel: string, { overflow, ...options }: SubscribeOptions): readonly unknown[] => [
  channel,
  overflow,
  options,
];

const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);
const boolean = (value: unknown): boolean | undefined => (typeof value === "boolean" ? value : undefined);

const read = (value: unknown): SubscriptionStart => {
  if (typeof value !== "object" || value === null) return {};
  const { epoch, position, kept, recovered, lost } = value as Readonly<Record<string, unknown>>;
  return {
    epoch: typeof epoch === "string" ? epoch : undefined,
    position: number(position),
    kept: boolean(kept),
    recovered: boolean(recovered),
    lost: number(lost),
  };
};

/** Calls back while its RESULT is read. What awaits the promise runs only after the frames that follow it. */
export class SubscribeRequest extends PromisedRequest<SubscriptionStart> {
  readonly #begun: (start: SubscriptionStart) => void;

  constructor(begun: (start: SubscriptionStart) => void) {
    super();
    this.#begun = begun;
  }

  override result(value: unknown): void {
    const start = read(value);
    this.#begun(start);
    this.resolve(start);
  }
}
