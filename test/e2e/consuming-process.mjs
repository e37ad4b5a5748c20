/**
 * A worker as programs write it: it consumes a queue, works on each message for a while, acks it, and handles no error.
 * It tells its parent of each message, and of each ack that is refused.
 */
import { setTimeout } from "node:timers/promises";
import { connect } from "../../dist/client/index.js";

const [url = "", topic = "", work = "0", ...rest] = process.argv.slice(2);

const client = await connect(url, { reconnect: rest[0] === "goes-on" ? {} : false });
for await (const message of await client.consume(topic)) {
  process.send({ read: message.text(), retry: message.retry });
  if (message.text() === "poison") process.kill(process.pid, "SIGKILL");
  await setTimeout(Number(work));
  message.ack().catch((error) => process.send({ refused: error.code }));
}
