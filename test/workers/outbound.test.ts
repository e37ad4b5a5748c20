/** How staged frames are cut into messages of the outbox. */
import { expect, it } from "vitest";
import { LocalChannel } from "../../src/channel/local-channel.js";
import { NO_HEAD } from "../../src/protocol/head.js";
import { Answer } from "../../src/protocol/op.js";
import { Outbound } from "../../src/workers/outbound.js";

const KILOBYTE = 1024;

it("whatever waits for one connection, or one audience, leaves in messages of about a megabyte", () => {
  const outbox = new LocalChannel();
  const outbound = new Outbound(outbox);
  const write = (bytes: number): void => {
    outbound.frames.open(Answer.MESSAGES, 0, 1, NO_HEAD);
    outbound.frames.append(new Uint8Array(bytes));
    outbound.frames.close();
  };
  const audience = [1, 2];
  for (const begin of [(): void => outbound.to(1), (): void => outbound.toAll(audience)]) {
    for (let i = 0; i < 64; i++) {
      begin();
      write(100 * KILOBYTE);
    }
  }
  outbound.flush();
  const sizes: number[] = [];
  outbox.drain((_envelope, _bytes, _view, start, end) => sizes.push(end - start), Number.POSITIVE_INFINITY);
  // As few as it takes, and each ends with the frame that makes it a megabyte.
  expect(sizes.length).toBe(12);
  expect(Math.max(...sizes)).toBeLessThan(1124 * KILOBYTE);
});
