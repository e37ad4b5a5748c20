/**
 * The main operations of the client, for any runtime: `<runtime> runtime-program.mjs <address> <topic>` prints what came of them.
 */
import { connect, connectNodes, RingmqError } from "@ringmq/client";

const [url, topic] = globalThis.process.argv.slice(2);

const client = await connect(url, { name: "runtime" });
const large = new Uint8Array(3_000_000).fill(7);
await client.publishBatch(topic, ["one", "two", large]);
const consumed = [];
for await (const message of await client.consume(topic)) {
  consumed.push(message.body.length === large.length ? message.body.at(-1) : message.text());
  await message.ack();
  if (consumed.length === 3) break;
}
await client.publish(topic, "later", { delay: 50, headers: { a: 1 } });
const [popped] = await client.pop(topic, { wait: 10_000 });
await popped.ack();
const subscription = await client.subscribe(`${topic}-news`);
await client.publishToChannel(`${topic}-news`, "rain");
const { value: heard } = await subscription.next();
const responder = await client.respond(`${topic}-calls`, (request) => request.text().repeat(2));
const reply = await client.request(`${topic}-calls`, "ab");
await responder.stop();
const { published } = await client.stats(topic);

// Its handler blocks the event loop for longer than the lease is: a thread renews it.
await client.configure(`${topic}-jobs`, { ttr: 1_000, retries: 0 });
await client.publish(`${topic}-jobs`, "job", { key: "one job" });
const worked = await new Promise((resolve) => {
  client.work(`${topic}-jobs`, (message) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_300);
    resolve(message.text());
  });
});
// Until its ack is confirmed.
while ((await client.lookup(`${topic}-jobs`, { key: "one job" }))?.state === "in-flight") await client.ping();
const jobs = (await client.stats(`${topic}-jobs`)).acked;

const nodes = await connectNodes({ nodes: [{ url }] });
await nodes.publish(topic, "by nodes");
await nodes.close();
const refused = await client.publish("", "x").catch((error) => error);
const unreachable = await connect(`${new URL(url).protocol}//127.0.0.1:1`).catch((error) => error);
const codes = [refused, unreachable].map((error) => error instanceof RingmqError && error.code);
await client.drain();
console.log(
  JSON.stringify({
    consumed,
    popped: popped.text(),
    headers: popped.headers,
    heard: heard.text(),
    reply: reply.text(),
    worked,
    jobs,
    published,
    codes,
  }),
);
