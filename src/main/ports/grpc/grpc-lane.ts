/** Who of the gRPC thread gets a native connection of the broker. */
import type { Lane } from "../../../bridge/bridge.js";
import type { LaneOpening } from "../../../grpc/thread/thread-messages.js";
import type { Log } from "../../log.js";
import { errorFrame } from "../../native/local-answers.js";
import { shareOf } from "../address-shares.js";
import { openLane } from "../bridge/lane-connection.js";
import type { ConnectionHost } from "../connection-host.js";

/** Opens a connection for a lane, or says on it why there is none. A stream counts among the connections of its client. */
export const acceptLane = (host: ConnectionHost, lane: Lane, opening: LaneOpening, log: Log): void => {
  const share = shareOf(opening.address);
  const origin = { address: share, names: [] };
  if (opening.kind === "publisher") {
    return openLane(host, lane, { protocol: "grpc", address: "publishes" }, { origin }, log);
  }
  const { isFull, shares } = host;
  if (isFull) return refuse(lane, "the broker has its maximum of connections");
  if (!shares.admit(share)) return refuse(lane, `an address has at most ${shares.maxPerAddress} connections`);
  openLane(host, lane, { protocol: "grpc", address: opening.address }, { origin }, log, () => shares.release(share));
};

const refuse = (lane: Lane, text: string): void => {
  lane.send(errorFrame("TOO_MANY_CONNECTIONS", text, 0));
  lane.end();
};
