/**
 * Where a broker listens, and for which transport.
 */

/** `ws` is the native protocol over WebSocket. */
export interface Address {
  readonly transport: "tcp" | "ws";
  readonly host: string;
  readonly port: number;
  /** Whose connections are. Undefined: the broker has no users. */
  readonly token?: string | undefined;
}

export const url = ({ transport, host, port, token }: Address): string => {
  const authority = `${token === undefined ? "" : `${token}@`}${host}:${port}`;
  return transport === "tcp" ? `tcp://${authority}` : `ws://${authority}/mq`;
};
