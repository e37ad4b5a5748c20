/** The frame that is being decoded. One object, reused for each frame. */
import { FLAGS, HEAD, HEAD_LENGTH, LENGTH_BYTES, OP, REQUEST } from "../protocol/frame.js";

export class FrameCursor {
  connection = 0;
  request = 0;
  op = 0;
  flags = 0;
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  /** The frame is [start, end): its head is [head, payload), its payload [payload, end). */
  start = 0;
  head = 0;
  payload = 0;
  end = 0;
  /** Where the last frame of this batch ends. */
  limit = 0;

  /** Begins a batch of frames of one connection, which end at `limit`. */
  begin(connection: number, bytes: Uint8Array, view: DataView, limit: number): void {
    this.connection = connection;
    this.bytes = bytes;
    this.view = view;
    this.limit = limit;
  }

  /** Moves to the frame that begins at `start`. False: there is none. */
  goTo(start: number): boolean {
    if (start >= this.limit) return false;
    const { view } = this;
    this.start = start;
    this.request = view.getUint32(start + REQUEST);
    this.op = view.getUint8(start + OP);
    this.flags = view.getUint8(start + FLAGS);
    this.head = start + HEAD;
    this.payload = this.head + view.getUint16(start + HEAD_LENGTH);
    this.end = start + LENGTH_BYTES + view.getUint32(start);
    return true;
  }
}
