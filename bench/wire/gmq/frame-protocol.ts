/**
 * The first generation's frames. A job has the id that its publisher chose: here the topic and a number of a fixed
 * number of digits.
 */
import { copyBytes, type GmqProtocol } from "./protocol.js";

const MESSAGE = 0;
const RESULT = 2;
const MAGIC = "v111";
const ID_DIGITS = 12;
const MAX_ID_BYTES = 64;
/** Seconds: longer than a run, so that an ack of it is needed. */
const TTR = 60;
const DIGIT_0 = 0x30;
const ID_KEY = Buffer.from('"Id":"');

const request = (command: string, data: string): Buffer => {
  const head = Buffer.alloc(MAGIC.length + 4);
  head.write(MAGIC, "latin1");
  head.writeInt16BE(command.length, MAGIC.length);
  head.writeInt16BE(data.length, MAGIC.length + 2);
  return Buffer.concat([head, Buffer.from(command + data, "latin1")]);
};

const writeDigits = (view: DataView, at: number, value: number): void => {
  let rest = value;
  for (let i = at + ID_DIGITS - 1; i >= at; i--) {
    view.setUint8(i, DIGIT_0 + (rest % 10));
    rest = Math.floor(rest / 10);
  }
};

export const frameProtocol: GmqProtocol = {
  lengthBytes: 2,
  message: MESSAGE,
  result: RESULT,
  publish: (topic, bodyBytes) => {
    const digits = "0".repeat(ID_DIGITS);
    const job = { Id: `${topic}-${digits}`, Topic: topic, Delay: 0, TTR, Body: "a".repeat(bodyBytes), Status: 0 };
    const bytes = request("push", JSON.stringify({ ...job, ConsumeNum: 0 }));
    const digitsAt = bytes.indexOf(digits);
    return { bytes: new Uint8Array(bytes), stamp: (view, at, index) => writeDigits(view, at + digitsAt, index) };
  },
  pop: (topic) => request("pop", topic),
  ack: () => {
    const [head, tail] = ['{"JobId":"', '"}'].map((text) => Buffer.from(text)) as [Buffer, Buffer];
    const empty = request("ack", "");
    const lengthAt = MAGIC.length + 2;
    return {
      maxBytes: empty.length + head.length + MAX_ID_BYTES + tail.length,
      write: (to, at, from, start, end) => {
        const length = head.length + end - start + tail.length;
        const data = copyBytes(to, at, empty, 0, empty.length);
        to[at + lengthAt] = length >>> 8;
        to[at + lengthAt + 1] = length & 0xff;
        const id = copyBytes(to, data, head, 0, head.length);
        return copyBytes(to, copyBytes(to, id, from, start, end), tail, 0, tail.length);
      },
    };
  },
  idStart: (bytes, start, end) => {
    const data = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
    const at = data.indexOf(ID_KEY);
    if (at < 0) throw new Error("a job without an id that is a string");
    return start + at + ID_KEY.length;
  },
};
