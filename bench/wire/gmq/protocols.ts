/**
 * The protocols of gmq on the TCP port, by the name that a load is told.
 */
import { frameProtocol } from "./frame-protocol.js";
import { lineProtocol } from "./line-protocol.js";

export const gmqProtocols = { line: lineProtocol, frame: frameProtocol };

export type GmqProtocolName = keyof typeof gmqProtocols;
