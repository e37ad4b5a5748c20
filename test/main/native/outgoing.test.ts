import { expect, it } from "vitest";
import { Outgoing } from "../../../src/main/native/outgoing.js";
import { OUTPUT_BYTES, OutputPool } from "../../../src/main/native/output-pool.js";
import { splitFrames } from "../frames.js";
import { MemoryTransport } from "../switchboard.js";

class FramedTransport extends MemoryTransport {
  override readonly framed = true;
}

/** A frame of so many bytes, in the two parts that it is made of. */
const parts = (request: number, bytes: number): [Buffer, Buffer] => {
  const whole = Buffer.alloc(bytes, request);
  whole.writeUInt32BE(bytes - 4);
  whole.writeUInt32BE(0, 4);
  whole.writeUInt32BE(request, 8);
  return [whole.subarray(0, 12), whole.subarray(12)];
};

it("writes frames made of two parts whole where each write must hold whole frames, and in order", () => {
  const sizes = [20, OUTPUT_BYTES - 40, 30, OUTPUT_BYTES - 8, OUTPUT_BYTES, OUTPUT_BYTES + 1, 3 * OUTPUT_BYTES, 12];
  for (const transport of [new FramedTransport(), new MemoryTransport()]) {
    const outgoing = new Outgoing(transport, new OutputPool());
    sizes.forEach((bytes, i) => {
      const [head, rest] = parts(i + 1, bytes);
      const padded = Buffer.concat([Buffer.alloc(7), rest, Buffer.alloc(9)]);
      outgoing.appendFrame(head, padded, 7, 7 + rest.length);
    });
    outgoing.flush();
    if (transport.framed) for (const write of transport.writes) expect(splitFrames(write).rest.length).toBe(0);
    const expected = Buffer.concat(sizes.flatMap((bytes, i) => parts(i + 1, bytes)));
    expect(Buffer.concat(transport.writes).equals(expected)).toBe(true);
  }
});
