/** Makes many topics at once, over one native connection. */
import { once } from "node:events";
import { connect } from "node:net";
import { FrameWriter, LENGTH_BYTES, OP } from "../../src/protocol/frame.js";
import { packHead } from "../../src/protocol/head.js";
import { Answer, Op, PROTOCOL_VERSION } from "../../src/protocol/op.js";

/** Resolves when the broker has answered for each. */
export const makeTopics = async (tcpPort: number, names: readonly string[]): Promise<void> => {
  const requests = new FrameWriter();
  const add = (op: number, request: number, head: readonly unknown[]): void => {
    requests.open(op, 0, request, packHead(head));
    requests.close();
  };
  add(Op.HELLO, 0, [PROTOCOL_VERSION, "test"]);
  for (const [at, name] of names.entries()) add(Op.CONFIGURE, at + 1, [name, {}]);

  const socket = connect(tcpPort, "127.0.0.1");
  await once(socket, "connect");
  socket.write(requests.written());
  let answered = 0;
  let rest = Buffer.alloc(0);
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    while (rest.length > LENGTH_BYTES && rest.length >= LENGTH_BYTES + rest.readUInt32BE()) {
      if (rest[OP] === Answer.ERROR) throw new Error("a topic was refused");
      if (rest[OP] === Answer.RESULT) answered++;
      rest = rest.subarray(LENGTH_BYTES + rest.readUInt32BE());
    }
    if (answered === names.length) break;
  }
  socket.destroy();
};
