/** A message, as a subscription hands it over. */
export interface Message {
  readonly topic: string;
  /** Its bytes; they are the program's. */
  readonly payload: Uint8Array;
  /** The URL of the server that it came from. */
  readonly server: string;
  /** Its number in the topic on that server. Undefined: the server does not tell, as memmq's own do not. */
  readonly position: number | undefined;
  /** Of a message that the server keeps. */
  readonly id: string | undefined;
  /** Messages of that server that were lost right before this one, as far as it is known. */
  readonly lost: number;
  /**
   * Whether more may have been lost there: the connection was lost, and the server cannot tell what has passed meanwhile.
   */
  readonly mayHaveLost: boolean;
}
