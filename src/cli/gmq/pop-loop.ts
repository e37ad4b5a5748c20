/** `gclient -cmd=pop_loop`: prints messages until it is stopped, over connections that break and nodes that restart. */
import { setTimeout as delay } from "node:timers/promises";
import type { GmqConnection } from "../../gmq-client/connection.js";
import * as requests from "../../gmq-client/requests.js";
import { ResponseType } from "../../gmq-client/response-reader.js";
import type { GclientSettings } from "./gclient-settings.js";
import type { Line } from "./node-commands.js";

/** Milliseconds: after an answer that is no message; before the first and between later attempts to connect. */
const EMPTY_PAUSE = 1_000;
const FIRST_RETRY = 250;
const MAX_RETRY = 5_000;

/** Never returns. `open` connects; a node that is not there at the beginning is an error. */
export const popLoop = async (
  open: () => Promise<GmqConnection>,
  { topic, bindKey }: GclientSettings,
  line: Line,
): Promise<never> => {
  let node = await open();
  for (;;) {
    try {
      const { type, data } = await node.send(requests.pop(topic, bindKey));
      if (type === ResponseType.message) {
        await line(`recv msg:${data}`);
        continue;
      }
      await line(data.toString());
      await delay(EMPTY_PAUSE);
    } catch (error) {
      await line(`${(error as Error).message}; connecting again`);
      node = await again(open);
    }
  }
};

const again = async (open: () => Promise<GmqConnection>): Promise<GmqConnection> => {
  for (let pause = FIRST_RETRY; ; pause = Math.min(MAX_RETRY, pause * 2)) {
    await delay(pause);
    try {
      return await open();
    } catch {
      // It may be back later.
    }
  }
};
