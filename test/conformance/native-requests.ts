/** Many native requests at once, over a connection of their own: to make what a test needs. */
import { once } from "node:events";
import { connect } from "node:net";
import { FrameWriter, HEAD, LENGTH_BYTES, OP } from "../../src/protocol/frame.js";
import { packHead } from "../../src/protocol/head.js";
import { Answer, Op, PROTOCOL_VERSION } from "../../src/protocol/op.js";
import { readReceipts } from "../../src/protocol/selection.js";

export interface NativeRequest {
  readonly op: number;
  readonly head: readonly unknown[];
}

/** Resolves when all are done. Error: one of them was refused. */
export const requestAll = async (tcpPort: number, requests: readonly NativeRequest[]): Promise<void> => {
  const frames = new FrameWriter();
  const add = ({ op, head }: NativeRequest, request: number): void => {
    frames.open(op, 0, request, packHead(head));
    frames.close();
  };
  add({ op: Op.HELLO, head: [PROTOCOL_VERSION, "test"] }, 0);
  for (const [at, request] of requests.entries()) add(request, at + 1);

  const socket = connect(tcpPort, "127.0.0.1");
  await once(socket, "connect");
  socket.write(frames.written());
  let done = 0;
  let rest = Buffer.alloc(0);
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    while (rest.length > LENGTH_BYTES && rest.length >= LENGTH_BYTES + rest.readUInt32BE()) {
      const end = LENGTH_BYTES + rest.readUInt32BE();
      done += answered(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
    if (done === requests.length) break;
  }
  socket.destroy();
};

/** How many requests a frame answers. */
const answered = (frame: Buffer): number => {
  switch (frame[OP]) {
    case Answer.ERROR:
      throw new Error(`refused: ${frame.toString("latin1", HEAD)}`);
    case Answer.RESULT:
      return 1;
    case Answer.CONFIRM: {
      const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
      return readReceipts(view, HEAD, frame.length).reduce((sum, { requests }) => sum + requests, 0);
    }
    default:
      return 0;
  }
};
