/** Pops the dead letters of a queue, or re-drives them. */
import { setTimeout as delay } from "node:timers/promises";
import { readBody } from "./body.js";
import type { TortureContext } from "./context.js";
import type { Random } from "./random.js";
import { ack, note, type Place } from "./readers.js";

const PAUSE = 150;
const MAX = 30;

export const handleDead = (context: TortureContext, random: Random, at: Place): Promise<void> =>
  context.act(async (client) => {
    const { ledger } = context;
    const { name } = at.plan;
    while (!context.isStopping) {
      await delay(PAUSE);
      if (random.chance(0.6)) {
        const held = note(ledger, at, await client.popDead(name, { queue: at.bindKey, max: MAX }));
        // The rest become dead letters again when the TTR has passed or the broker restarts.
        for (const one of held) if (random.chance(0.8)) await ack(ledger, one);
        continue;
      }
      const ids: string[] = [];
      for (const { id, body } of await client.browse(name, { queue: at.bindKey, state: "dead", max: MAX })) {
        const slot = ledger.slotOf(at.topic, at.queue, readBody(body));
        if (slot < 0 || ledger.isReturning(slot) || random.chance(0.3)) continue;
        ledger.redriving(slot);
        ids.push(id);
      }
      if (ids.length > 0) await client.redrive(name, { queue: at.bindKey, ids });
    }
  });
