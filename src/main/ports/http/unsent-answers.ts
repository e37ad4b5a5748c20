/** Sixteen largest messages, as many as may be half-received. */
const MAX_UNSENT_BYTES = 256 * 1024 * 1024;

/** Bytes of answers that clients have not taken yet, of all HTTP connections together. */
export class UnsentAnswers {
  bytes = 0;

  /** Past `max` no request whose answer may be long should be taken. */
  constructor(readonly max = MAX_UNSENT_BYTES) {}

  get isFull(): boolean {
    return this.bytes > this.max;
  }
}
