/** Makes clients of memmq's servers. */
import type { Server } from "../servers/server.js";
import { MemmqClient } from "./client.js";
import { readClientOptions } from "./client-checks.js";
import { GrpcLink } from "./grpc/grpc-link.js";
import { HttpLink } from "./http/http-link.js";
import type { Link } from "./link.js";
import type { ClientOptions } from "./options.js";

/**
 * A client of one memmq server or several. It connects when there is something to do, so it can be made before its servers
 * run. Throws BAD_ARGUMENT.
 *
 * ```ts
 * const client = createClient({ servers: ["127.0.0.1:8081", "127.0.0.1:8082"], selector: "shard" });
 * await client.publish("example", "hello");
 * for await (const { payload } of client.subscribe("example")) console.log(new TextDecoder().decode(payload));
 * ```
 */
export const createClient = (options: ClientOptions = {}): MemmqClient => {
  const read = readClientOptions(options);
  const open = (server: Server): Link =>
    read.transport === "grpc" ? new GrpcLink(server, read.link) : new HttpLink(server, read.link);
  return new MemmqClient(read, open);
};
