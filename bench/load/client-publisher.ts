/**
 * Publishes through the client library.
 */

import { type Client, connect, type Receipt } from "ringmq/client";
import { type Address, url } from "../wire/address.js";
import { body } from "../wire/frames.js";
import { checkDurability } from "./durability-check.js";
import { type Role, timed, type Work } from "./role.js";

export interface ClientPublish {
  readonly address: Address;
  readonly topic: string;
  readonly bodyBytes: number;
  readonly messages: number;
  /**
   * `stream`: publishes in groups without awaiting each message; the next group begins while the last one is unanswered.
   * A number: this many concurrent loops that await each publish, like the requests of a busy server.
   */
  readonly mode: "stream" | number;
  readonly seconds: number;
  /** The least Durability (src/protocol/op.ts) of each confirm. */
  readonly durability: number;
}

/** The size of a group, which is published in one turn of the event loop. */
const MAX_GROUP = 2_000;
const GROUP_BYTES = 8 * 1024 * 1024;

const stream = async (client: Client, params: ClientPublish, deadline: number): Promise<number> => {
  const message = body(params.bodyBytes);
  const group = Math.max(1, Math.min(MAX_GROUP, Math.floor(GROUP_BYTES / message.length)));
  const check = (receipt: Receipt | undefined): void => {
    if (receipt !== undefined) checkDurability(receipt, params.durability);
  };
  let sent = 0;
  let before: Promise<Receipt | undefined> = Promise.resolve(undefined);
  while (sent < params.messages && performance.now() < deadline) {
    const end = Math.min(sent + group, params.messages);
    let last: Promise<Receipt | undefined> = before;
    for (; sent < end; sent++) last = client.publish(params.topic, message);
    check(await before);
    before = last;
  }
  check(await before);
  return sent;
};

const loops = async (client: Client, params: ClientPublish, count: number, deadline: number): Promise<number> => {
  const message = body(params.bodyBytes);
  let sent = 0;
  const loop = async (): Promise<void> => {
    while (sent < params.messages && performance.now() < deadline) {
      sent++;
      checkDurability(await client.publish(params.topic, message), params.durability);
    }
  };
  await Promise.all(Array.from({ length: count }, loop));
  return sent;
};

export const clientPublisher: Role<ClientPublish, Work> = async (params) => {
  const client = await connect(url(params.address), { name: "bench" });
  return {
    run: async () => {
      const work = await timed(() => {
        const deadline = performance.now() + params.seconds * 1000;
        return params.mode === "stream"
          ? stream(client, params, deadline)
          : loops(client, params, params.mode, deadline);
      });
      await client.close();
      return work;
    },
  };
};
