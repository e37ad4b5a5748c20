/** A disk that is really full: what needs no disk is answered, what does waits, and nothing confirmed is lost. */
import { once } from "node:events";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Op } from "../../src/protocol/op.js";
import { frame } from "../main/frames.js";
import { clientOf, texts } from "./clients.js";
import { mountedTmpfs } from "./mounts.js";
import { NativeClient } from "./native-client.js";
import { ANY_PORT, type Run, started } from "./program.js";

const FLAGS = [...ANY_PORT, "--shards", "1", "--segment-bytes", "1mb", "--disk-reserve", "0"];

const PATIENCE = 120_000;

/** Pauses of a queue with a long name, whose records fill what is reserved for acks. */
const PAUSES = 30_000;
const QUEUE = "q".repeat(200);

const logged = async ({ child, text }: Run, words: string): Promise<void> => {
  while (!text.err.includes(words)) await once(child.stderr, "data");
};

const push = async (http: number, topic: string): Promise<{ readonly code: number }> => {
  const body = new URLSearchParams({ data: JSON.stringify({ body: "over HTTP", topic }) });
  const answer = await fetch(`http://127.0.0.1:${http}/push`, { method: "POST", body });
  return (await answer.json()) as { readonly code: number };
};

it(
  "while the journal stands still looks, topics in memory and messages on disk go on; the rest waits or is refused",
  async (context) => {
    const directory = mountedTmpfs(context, "size=16m");
    const data = ["--data", join(directory, "data")];
    const fillers = ["much", "rest"].map((name) => join(directory, name));
    const [much = "", rest = ""] = fillers;
    writeFileSync(much, new Uint8Array(8 * 1024 * 1024));
    const broker = await started([...FLAGS, ...data]);
    const client = await clientOf(broker.tcp);
    await client.configure("fleeting", { durability: "memory" });
    await client.publishBatch("stored", ["acked", "acked during the hold", "popped", "kept"]);
    await client.publishBatch("purged", ["purged"]);
    await client.publishBatch("deleted", ["deleted"]);
    const [acked, late] = await client.pop("stored", { max: 2 });
    await acked?.ack();
    const confirmed: string[] = [];
    for (let isFull = false; !isFull; ) {
      const body = `${confirmed.length} `.padEnd(60_000, "x");
      await client.publish("much", body).then(
        () => confirmed.push(body),
        (error: { readonly code: string }) => {
          expect(error.code).toBe("DISK_FULL");
          isFull = true;
        },
      );
    }

    // Another program takes the rest, and records what is left for acks.
    const { bavail, bsize } = statfsSync(directory);
    writeFileSync(rest, new Uint8Array(bavail * bsize));
    const pauses = await NativeClient.greeted(broker.tcp);
    pauses.send(frame(Op.DECLARE_QUEUE, 1, ["wide", QUEUE]));
    pauses.send(...Array.from({ length: PAUSES }, (_, i) => frame(Op.PAUSE, 2 + i, ["wide", QUEUE])));
    await logged(broker, "the journal cannot write");

    let isReleased = false;
    const waits = [late?.ack(), client.purge("purged"), client.deleteTopic("deleted"), client.pause("stored")].map(
      async (done) => {
        await done;
        expect(isReleased).toBe(true);
      },
    );
    // On the same connection, behind all of these, and on another one.
    for (const eye of [client, await clientOf(broker.tcp)]) {
      expect((await eye.stats("stored")).queues[0]).toMatchObject({ ready: 2, inFlight: 0, paused: true });
      const topics: string[] = [];
      for await (const { name } of eye.topics()) topics.push(name);
      expect(topics).toContain("much");
      expect(texts(await eye.browse("stored", { state: "ready" }))).toEqual(["popped", "kept"]);
      expect((await eye.publish("fleeting", "quick")).durability).toBe("memory");
      expect(texts(await eye.pop("fleeting"))).toEqual(["quick"]);
      await expect(eye.publish("stored", "refused")).rejects.toMatchObject({ code: "DISK_FULL" });
    }
    const [popped] = await client.pop("much");
    expect(popped?.text()).toBe(confirmed[0]);
    // Clients over HTTP share a session: one that waits holds nobody else.
    const ack = fetch(`http://127.0.0.1:${broker.http}/ack?topic=much&msgId=${popped?.id}`);
    expect((await push(broker.http, "fleeting")).code).toBe(0);
    expect((await push(broker.http, "stored")).code).not.toBe(0);
    expect(broker.text.err).not.toContain("the journal can write again");

    isReleased = true;
    for (const filler of fillers) rmSync(filler);
    await logged(broker, "the journal can write again");
    await Promise.all(waits);
    expect(((await (await ack).json()) as { readonly code: number }).code).toBe(0);
    await pauses.ping();
    broker.child.kill("SIGKILL");
    await broker.exit;

    const again = await clientOf((await started([...FLAGS, ...data])).tcp);
    await again.resume("stored");
    expect(texts(await again.pop("stored", { max: 10 }))).toEqual(["popped", "kept"]);
    expect(await again.pop("purged")).toEqual([]);
    await expect(again.stats("deleted")).rejects.toMatchObject({ code: "NO_TOPIC" });
    for (const body of confirmed.slice(1)) expect((await again.pop("much"))[0]?.text() === body).toBe(true);
  },
  PATIENCE,
);
