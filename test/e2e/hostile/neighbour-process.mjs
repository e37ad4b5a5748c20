/**
 * A client that behaves well: 1,000 messages a second, published, consumed and acked over a process and connections of
 * its own. When it is told to stop it reports what it has seen. Latencies count from when a message should have been
 * sent, so that a broker which stands still is charged for all that was held up.
 */
import { connect } from "../../../dist/client/index.js";

const [url = "", topic = ""] = process.argv.slice(2);
/** The first refusals, as text. */
const errors = [];
const confirms = [];
const deliveries = [];
let published = 0;
let confirmed = 0;
let isStopping = false;
/** Milliseconds before the attack may begin, and the messages published by then: their latencies do not count. */
const WARM_UP = 1_000;
let warmUp = 0;

const note = (error) => {
  if (errors.length < 10) errors.push(`${error.code ?? error.name}: ${error.message}`);
};

const client = await connect(url, { name: "neighbour" });
client.closed.then((error) => {
  if (!isStopping) note(error ?? new Error("the connection has closed"));
});
const consumer = await client.consume(topic, { prefetch: 1_000 });
const reading = (async () => {
  for await (const message of consumer) {
    deliveries.push(performance.now() - Number(message.text()));
    message.ack().catch(note);
    if (isStopping && deliveries.length >= published) break;
  }
})().catch(note);

const start = performance.now();
const timer = setInterval(() => {
  for (; published < performance.now() - start; published++) {
    const due = start + published;
    client.publish(topic, String(due)).then(() => {
      confirmed++;
      confirms.push(performance.now() - due);
    }, note);
  }
}, 1);

const percentile = (values, share) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;

const summary = (values) => ({
  p50: percentile(values, 0.5),
  p99: percentile(values, 0.99),
  max: percentile(values, 1),
});

process.once("message", async () => {
  clearInterval(timer);
  isStopping = true;
  // One more, so that the reader wakes up and sees that it is the last.
  published++;
  await client.publish(topic, String(performance.now())).then(() => confirmed++, note);
  let timeout;
  await Promise.race([reading, new Promise((resolve) => (timeout = setTimeout(resolve, 10_000)))]);
  clearTimeout(timeout);
  process.send?.({
    errors,
    published,
    confirmed,
    delivered: deliveries.length,
    confirm: summary(confirms.slice(warmUp)),
    delivery: summary(deliveries.slice(warmUp)),
  });
  await client.close();
  process.disconnect();
});
// What a process and a broker that have just started do more slowly is not the attack's doing.
setTimeout(() => {
  warmUp = published;
  process.send?.("ready");
}, WARM_UP);
