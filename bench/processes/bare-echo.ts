/**
 * A program: a TCP server in Node.js that only sends back what it reads. It prints `tcp://host:port`. The time of its
 * round trip is the machine's share of the latencies measured beside it.
 */
import { createServer } from "node:net";

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("data", (bytes) => socket.write(bytes));
  socket.on("error", () => socket.destroy());
});

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no address");
  process.stdout.write(`tcp://127.0.0.1:${address.port}\n`);
});

process.once("SIGTERM", () => process.exit());
