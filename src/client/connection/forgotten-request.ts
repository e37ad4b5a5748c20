/**
 * What is left of a request that was given up: whatever answers it is ignored.
 */
import { Patience, PendingRequest } from "./pending-request.js";

export class ForgottenRequest extends PendingRequest {
  /** `pendingBytes`: what the request counts for until it is answered. */
  constructor(pendingBytes: number) {
    super();
    this.pendingBytes = pendingBytes;
  }

  override get patience(): Patience {
    return Patience.ENDLESS;
  }

  override confirmed(): void {}

  override messages(): void {}

  override result(): void {}

  override settled(): void {}

  override failed(): void {}
}
