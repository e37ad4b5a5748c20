/**
 * Requests of gmq's line protocol: a line of words, for some commands followed by bodies. Where a key is empty, the form
 * without keys of gmq's second generation is sent, which older nodes understand as well.
 */

/** A node that gets more messages in one request refuses it. */
export const MAX_MPUB = 1000;

const LENGTH_BYTES = 4;

/** A word that can be sent: no blank, no line break, and not empty. */
export const isWord = (text: string): boolean => /^[^\s]+$/u.test(text);

const line = (...words: readonly (string | number)[]): Buffer => Buffer.from(`${words.join(" ")}\n`);

const word32 = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES);
  bytes.writeUInt32BE(value);
  return bytes;
};

const sized = (body: Buffer): readonly Buffer[] => [word32(body.length), body];

/** `delay` in seconds. */
export const pub = (topic: string, routeKey: string, delay: number, body: Buffer): Buffer =>
  Buffer.concat([routeKey === "" ? line("pub", topic, delay) : line("pub", topic, routeKey, delay), ...sized(body)]);

/** Answered with the ids where there is a route key, else with `ok`. Up to `MAX_MPUB` bodies. */
export const mpub = (topic: string, routeKey: string, bodies: readonly string[]): Buffer =>
  Buffer.concat([
    line("mpub", topic, bodies.length),
    ...bodies.flatMap((body) => {
      if (routeKey === "") return [word32(0), ...sized(Buffer.from(body))];
      return sized(Buffer.from(JSON.stringify({ body, topic, delay: 0, route_key: routeKey })));
    }),
  ]);

/** With a bind key the node waits for a message and sends PING meanwhile, else it answers at once. */
export const pop = (topic: string, bindKey: string): Buffer =>
  bindKey === "" ? line("pop", topic) : line("pop", topic, bindKey);

export const ack = (id: string, topic: string, bindKey: string): Buffer =>
  bindKey === "" ? line("ack", id, topic) : line("ack", id, topic, bindKey);

/** With a bind key one message, else a list of up to `count`. */
export const dead = (topic: string, bindKey: string, count: number): Buffer =>
  bindKey === "" ? line("dead", topic, count) : line("dead", topic, bindKey);

export const queue = (topic: string, bindKey: string): Buffer => line("queue", topic, bindKey);

/** Says who the client is, to a node of ringmq's that has users: the first line. */
export const auth = (token: string): Buffer => line("auth", token);

export const subscribe = (channel: string): Buffer => line("subscribe", channel);

export const publish = (channel: string, body: Buffer): Buffer =>
  Buffer.concat([line("publish", channel), ...sized(body)]);
