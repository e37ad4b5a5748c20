/** Publishes to the servers behind a proxy. */
import { RingmqError, type RingmqErrorCode } from "../client/base/error.js";
import type { MemmqClient } from "../memmq-client/client.js";
import { PublishError } from "../memmq-client/publish-error.js";
import { ERRORS, type ErrorName } from "../protocol/errors.js";

/** Why a proxy has not done something, by a code of docs/protocol.md. */
export interface UpstreamRefusal {
  readonly kind: ErrorName;
  readonly text: string;
}

const isOfBroker = (code: RingmqErrorCode): code is ErrorName => Object.hasOwn(ERRORS, code);

/** What is wrong between the proxy and its servers is BUSY: the same may succeed later. */
export const refusalOf = (error: unknown): UpstreamRefusal => {
  if (!(error instanceof RingmqError)) return { kind: "BUSY", text: String(error) };
  if (isOfBroker(error.code)) return { kind: error.code, text: error.message };
  if (error.code === "BAD_ARGUMENT") return { kind: "BAD_NAME", text: error.message };
  return { kind: "BUSY", text: error.message };
};

/**
 * Resolves when a server has taken it, with a refusal when none has. That some have not, of several, is told to `partly`:
 * whoever subscribes on all of them has it all the same.
 */
export const publishUpstream = async (
  client: MemmqClient,
  topic: string,
  payload: Uint8Array,
  key: string | undefined,
  partly: (error: PublishError) => void,
): Promise<UpstreamRefusal | undefined> => {
  try {
    await client.publish(topic, payload, { key });
    return undefined;
  } catch (error) {
    if (error instanceof PublishError && error.taken.length > 0) {
      partly(error);
      return undefined;
    }
    return refusalOf(error);
  }
};
