/** The error codes of the line protocol, and what its third generation says with them. The second says the text alone. */

export type ErrorCode =
  | "E_INVALID_PARAMS"
  | "E_INVALID_DELAY"
  | "E_INVALID_READ"
  | "E_INVALID_POP"
  | "E_INVALID_ACK"
  | "E_INVALID_JSON"
  | "E_INVALID_PUSHNUM"
  | "E_INVALID_PUSH"
  | "E_INVALID_DEAD"
  | "E_INVALID_SET"
  | "E_INVALID_DECLARE"
  | "E_INVALID_SUBSCRIBE"
  | "E_INVALID_CMD"
  | "E_INVALID_TOPIC"
  | "E_INVALID_BINDKEY"
  | "E_INVALID_CHANNEL"
  | "E_INVALID_PUBLISH";

/** The generations of the protocol, which differ by the number of words of a line. */
export type Generation = 2 | 3;

export interface Fault {
  readonly code: ErrorCode;
  readonly text: string;
}

/** The data of an error response. */
export const faultText = ({ code, text }: Fault, generation: Generation): string =>
  generation === 2 ? text : `${code} - ${text}`;
