/**
 * A bare server on grpc-js: it answers each Pub and does nothing.
 */
import { Server, ServerCredentials, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { mqDefinition } from "../wire/grpc.js";

const server = new Server();
const handlers: UntypedServiceImplementation = {
  Pub: (_call: unknown, answer: (error: null, value: object) => void) => answer(null, {}),
};
server.addService(mqDefinition(), handlers);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`127.0.0.1:${port}\n`);
});
process.once("SIGTERM", () => process.exit());
