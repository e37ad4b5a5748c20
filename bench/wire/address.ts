/**
 * Where a broker listens, and for which transport.
 */

/** `ws` is the native protocol over WebSocket. */
export interface Address {
  readonly transport: "tcp" | "ws";
  readonly host: string;
  readonly port: number;
}

export const url = (address: Address): string =>
  address.transport === "tcp" ? `tcp://${address.host}:${address.port}` : `ws://${address.host}:${address.port}/mq`;
