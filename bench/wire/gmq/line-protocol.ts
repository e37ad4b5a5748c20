/**
 * The third generation's lines.
 */
import { body } from "../frames.js";
import { copyBytes, type GmqProtocol } from "./protocol.js";

const MESSAGE = 101;
const RESULT = 103;
const PING = 105;
const BIND_KEY = "default";
/** Digits of the largest id. */
const MAX_ID_BYTES = 20;

const ascii = (text: string): Buffer => Buffer.from(text, "latin1");

const ID_KEY = ascii('{"id":"');

const lengthOf = (bytes: number): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes);
  return length;
};

export const lineProtocol: GmqProtocol = {
  lengthBytes: 4,
  message: MESSAGE,
  result: RESULT,
  ping: PING,
  // The empty word is the route key: the message goes to the queue that every topic has.
  publish: (topic, bodyBytes) => ({
    bytes: new Uint8Array(Buffer.concat([ascii(`pub ${topic}  0\n`), lengthOf(bodyBytes), body(bodyBytes)])),
  }),
  pop: (topic) => ascii(`pop ${topic} ${BIND_KEY}\n`),
  ack: (topic) => {
    const head = ascii("ack ");
    const tail = ascii(` ${topic} ${BIND_KEY}\n`);
    return {
      maxBytes: head.length + MAX_ID_BYTES + tail.length,
      write: (to, at, from, start, end) => {
        const id = copyBytes(to, at, head, 0, head.length);
        return copyBytes(to, copyBytes(to, id, from, start, end), tail, 0, tail.length);
      },
    };
  },
  idStart: (bytes, start) => {
    const at = start + ID_KEY.length;
    for (let i = 0; i < ID_KEY.length; i++) {
      if (bytes[start + i] !== ID_KEY[i]) throw new Error("a message that does not begin with its id");
    }
    return at;
  },
};
