/**
 * The least that a TCP server in Node.js can do: it sends back what it reads. What it takes for a round trip is the
 * machine's share of every latency measured beside it. A program: prints `tcp://host:port`.
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
