/**
 * gmq's line protocol as literal bytes: what a client sends, and what it hears. In what is sent `TOPIC` stands for a topic
 * of the case's own, and `<id>`, `<id2>`, … for an id that was heard before; in what is heard they stand for an id.
 */
import { element, sized, TYPE, u32, utf8 } from "./gmq-line-wire.js";

export interface LineStep {
  readonly says: string;
  /** Responses, each as its type and data. */
  readonly hears: readonly string[];
}

export interface LineCase {
  readonly name: string;
  readonly steps: readonly LineStep[];
  /** The connection is closed behind the last step; without this it takes another command. */
  readonly closes?: true;
}

export const MAX_MESSAGE_BYTES = 1024;

const step = (says: string, ...hears: readonly string[]): LineStep => ({ says, hears });

export const result = (data: string): string => `${TYPE.result} ${data}`;
export const error = (data: string): string => `${TYPE.error} ${data}`;
export const message = (id: string, body: string, retries = 0): string =>
  `${TYPE.message} {"id":"${id}","body":"${utf8(body)}","retry_count":${retries}}`;

const ID = result("<id>");
const ID2 = result("<id2>");
const OK = result("ok");
const TOO_LARGE = "x".repeat(MAX_MESSAGE_BYTES + 1);
const LONG = "n".repeat(256);

const PUBLISHING: readonly LineCase[] = [
  { name: "pub, third generation", steps: [step(`pub TOPIC default 0\n${sized("body")}`, ID)] },
  { name: "pub with an empty route key", steps: [step(`pub TOPIC  0\n${sized("body")}`, ID)] },
  { name: "pub, second generation", steps: [step(`pub TOPIC 0\n${sized("body")}`, ID)] },
  {
    name: "pub whose line ends with \\r\\n",
    steps: [step(`pub TOPIC  0\r\n${sized("a")}`, ID), step("pop TOPIC \r\n", message("<id>", "a"))],
  },
  {
    name: "pub without a body",
    steps: [step(`pub TOPIC  0\n${sized("")}`, ID), step("pop TOPIC \n", message("<id>", ""))],
  },
  {
    name: "pub of several messages, and pops of them",
    steps: [
      step(
        `pub TOPIC  0\n${sized("a")}pub TOPIC  0\n${sized("b")}pub TOPIC 0\n${sized("\n\n")}`,
        ID,
        ID2,
        result("<id3>"),
      ),
      step(
        "pop TOPIC default\npop TOPIC default\npop TOPIC\n",
        message("<id>", "a"),
        message("<id2>", "b"),
        message("<id3>", "\\n\\n"),
      ),
    ],
  },
  {
    name: "pub of text that JSON has to escape, and of what is not UTF-8",
    steps: [
      step(`pub TOPIC  0\n${sized(utf8('"é\\\u0001'))}pub TOPIC  0\n${sized("\xff!")}`, ID, ID2),
      step("pop TOPIC \npop TOPIC \n", message("<id>", '\\"é\\\\\\u0001'), message("<id2>", "\ufffd!")),
    ],
  },
  {
    name: "pub with a delay that is no number",
    steps: [step(`pub TOPIC  soon\n${sized("a")}`, ID), step("pop TOPIC\n", message("<id>", "a"))],
  },
  {
    name: "pub with a delay below 0",
    steps: [step(`pub TOPIC  -5\n${sized("a")}`, ID), step("pop TOPIC\n", message("<id>", "a"))],
  },
  {
    name: "pub with a delay",
    steps: [step(`pub TOPIC  259200\n${sized("a")}`, ID), step("pop TOPIC\n", error("no message"))],
  },
  {
    name: "pub with a delay that is too long",
    steps: [step("pub TOPIC  259201\n", error("E_INVALID_DELAY - delay can't exceeding the maximum 259200"))],
    closes: true,
  },
  {
    name: "pub with a delay that is too long, second generation",
    steps: [step("pub TOPIC 259201\n", error("pub.delay exceeding the maximum"))],
    closes: true,
  },
  {
    name: "pub whose route key matches nothing",
    steps: [
      step(
        `pub TOPIC nosuch 0\n${sized("a")}`,
        error("E_INVALID_PUSH - routeKey:nosuch is not match with queue, the mode is 1"),
      ),
      step("set TOPIC 0 2 60 5\n", OK),
      step(
        `pub TOPIC nosuch 0\n${sized("a")}`,
        error("E_INVALID_PUSH - routeKey:nosuch is not match with queue, the mode is 2"),
      ),
    ],
  },
  {
    name: "pub without a topic skips the body",
    steps: [step(`pub   0\n${sized("pop x\n")}`, error("E_INVALID_TOPIC - topic is empty"))],
  },
  {
    name: "pub without a topic, second generation",
    steps: [step(`pub  0\n${sized("pop x\n")}`, error("topic is empty"))],
  },
  {
    name: "pub with names that are too long",
    steps: [
      step(`pub ${LONG}  0\n${sized("a\n")}`, error("E_INVALID_TOPIC - topic is longer than 255 bytes")),
      step(`pub TOPIC ${LONG} 0\n${sized("a\n")}`, error("E_INVALID_BINDKEY - route key is longer than 255 bytes")),
    ],
  },
  {
    name: "pub of a body that is too large skips it",
    steps: [
      step(`pub TOPIC  0\n${sized(TOO_LARGE)}`, error(`E_INVALID_PUSH - body is above ${MAX_MESSAGE_BYTES} bytes`)),
      step(`pub TOPIC 0\n${sized(TOO_LARGE)}`, error(`body is above ${MAX_MESSAGE_BYTES} bytes`)),
    ],
  },
  {
    name: "pub with too many words",
    steps: [step("pub TOPIC  0 0\n", error("E_INVALID_PARAMS - 3 parameters required"))],
    closes: true,
  },
  {
    name: "pub with too few words",
    steps: [step("pub TOPIC\n", error("E_INVALID_PARAMS - 3 parameters required"))],
    closes: true,
  },
];

const MANY: readonly LineCase[] = [
  {
    name: "mpub, third generation",
    steps: [
      step(`mpub TOPIC 2\n${element("a")}${element("é")}`, result("[<id>,<id2>]")),
      step("pop TOPIC\npop TOPIC\n", message("<id>", "a"), message("<id2>", "é")),
    ],
  },
  {
    name: "mpub to several queues, and later",
    steps: [
      step("queue TOPIC other\n", OK),
      step(
        `mpub TOPIC 3\n${element("a", { route_key: "other" })}${element("b", { topic: "ignored" })}${element("c", { delay: 100 })}`,
        result("[<id>,<id2>,<id3>]"),
      ),
      step("pop TOPIC other\npop TOPIC\npop TOPIC\n", message("<id>", "a"), message("<id2>", "b"), error("no message")),
    ],
  },
  {
    name: "mpub, second generation",
    steps: [
      step(`mpub TOPIC 3\n${u32(0)}${sized("a")}${u32(0)}${sized("")}${u32(100)}${sized("c")}`, OK),
      step("pop TOPIC\npop TOPIC\npop TOPIC\n", message("<id>", "a"), message("<id2>", ""), error("no message")),
    ],
  },
  {
    name: "mpub of nothing",
    steps: [step("mpub TOPIC 0\n", error("E_INVALID_PUSHNUM - number of push must be between 1 and 1000"))],
    closes: true,
  },
  {
    name: "mpub of too many",
    steps: [step("mpub TOPIC 1001\n", error("E_INVALID_PUSHNUM - number of push must be between 1 and 1000"))],
    closes: true,
  },
  {
    name: "mpub with too few words",
    steps: [step("mpub TOPIC\n", error("E_INVALID_PARAMS - 2 parameters required"))],
    closes: true,
  },
  {
    name: "mpub without a topic skips the elements",
    steps: [step(`mpub  2\n${element("a\n")}${element("b\n")}`, error("E_INVALID_TOPIC - topic is empty"))],
  },
  {
    name: "mpub without a topic, second generation",
    steps: [step(`mpub  1\n${u32(0)}${sized("pop x\n")}`, error("topic is empty"))],
  },
  {
    name: "mpub of an element that is no JSON",
    steps: [
      step(
        `mpub TOPIC 3\n${element("a")}${sized("{no}")}${element("c")}`,
        error("E_INVALID_JSON - data is not JSON: unexpected n at 1"),
      ),
    ],
  },
  {
    name: "mpub of an element with a body of another type",
    steps: [step(`mpub TOPIC 1\n${sized('{"body":1}')}`, error("E_INVALID_JSON - body is not a string"))],
  },
  {
    name: "mpub to a queue that is not there",
    steps: [
      step(
        `mpub TOPIC 2\n${element("a", { route_key: "nosuch" })}${element("b")}`,
        error("E_INVALID_PUSH - routeKey:nosuch is not match with queue, the mode is 1"),
      ),
    ],
  },
  {
    name: "mpub of bodies that are too large skips them",
    steps: [
      step(
        `mpub TOPIC 2\n${element(TOO_LARGE)}${element("b")}`,
        error(`E_INVALID_PUSH - body is above ${MAX_MESSAGE_BYTES} bytes`),
      ),
      step(
        `mpub TOPIC 2\n${u32(0)}${sized(TOO_LARGE)}${u32(0)}${sized("b")}`,
        error(`body is above ${MAX_MESSAGE_BYTES} bytes`),
      ),
    ],
  },
];

const CONSUMING: readonly LineCase[] = [
  { name: "pop of nothing, second generation", steps: [step("pop TOPIC\n", error("no message"))] },
  {
    name: "pop that waits, with an ack behind it",
    steps: [
      step(`pub TOPIC  0\n${sized("a")}pop TOPIC default\n`, ID, message("<id>", "a")),
      step("ack <id> TOPIC default\n", OK),
    ],
  },
  {
    name: "pop from a queue that is not there",
    steps: [
      step(`pub TOPIC  0\n${sized("a")}`, ID),
      step("pop TOPIC nosuch\n", error("E_INVALID_POP - bindKey:nosuch can't match queue")),
    ],
  },
  {
    name: "pop without a topic",
    steps: [step("pop  \n", error("E_INVALID_PARAMS - topic name required."))],
    closes: true,
  },
  {
    name: "pop of a topic whose name is too long",
    steps: [
      step(`pop ${LONG} default\n`, error("E_INVALID_TOPIC - topic is longer than 255 bytes")),
      step(`pop ${LONG}\n`, error("topic is longer than 255 bytes")),
    ],
  },
  {
    name: "pop with too many words",
    steps: [step("pop TOPIC a b\n", error("E_INVALID_PARAMS - 2 parameters required"))],
    closes: true,
  },
  {
    name: "ack in both generations, twice",
    steps: [
      step(`pub TOPIC  0\n${sized("a")}pub TOPIC  0\n${sized("b")}`, ID, ID2),
      step("pop TOPIC\npop TOPIC\n", message("<id>", "a"), message("<id2>", "b")),
      step(
        "ack <id> TOPIC\nack <id2> TOPIC default\nack <id2> TOPIC default\nack <id> TOPIC\n",
        OK,
        OK,
        error("E_INVALID_ACK - msgId:<id2> is not exist"),
        error("msgId:<id> is not exist"),
      ),
    ],
  },
  {
    name: "acks and pops one behind the other",
    steps: [
      step(
        `pub TOPIC  0\n${sized("a")}pub TOPIC  0\n${sized("b")}pub TOPIC  0\n${sized("c")}`,
        ID,
        ID2,
        result("<id3>"),
      ),
      step("pop TOPIC default\npop TOPIC default\n", message("<id>", "a"), message("<id2>", "b")),
      step(
        "ack <id> TOPIC default\nack 7 TOPIC default\npop TOPIC default\nack <id2> TOPIC default\nack <id2> TOPIC default\n",
        OK,
        error("E_INVALID_ACK - msgId:7 is not exist"),
        message("<id3>", "c"),
        OK,
        error("E_INVALID_ACK - msgId:<id2> is not exist"),
      ),
    ],
  },
  {
    name: "ack of what is no id",
    steps: [
      step(
        "ack 123 TOPIC default\nack abc TOPIC default\nack  TOPIC\n",
        error("E_INVALID_ACK - msgId:123 is not exist"),
        error("E_INVALID_ACK - msgId:0 is not exist"),
        error("msgId:0 is not exist"),
      ),
      step(
        "ack 18446744073709551615 TOPIC\nack 18446744073709551616 TOPIC\n",
        error("msgId:18446744073709551615 is not exist"),
        error("msgId:0 is not exist"),
      ),
    ],
  },
  {
    name: "ack in a queue that is not there",
    steps: [step("ack 123 TOPIC nosuch\n", error("E_INVALID_ACK - bindkey:nosuch is not associated with queue"))],
  },
  {
    name: "ack without a topic",
    steps: [
      step("ack 1  default\n", error("E_INVALID_TOPIC - topic is empty")),
      step("ack 1 \n", error("topic is empty")),
    ],
  },
  {
    name: "ack with too few words",
    steps: [step("ack 123\n", error("E_INVALID_PARAMS - 3 parameters required"))],
    closes: true,
  },
  {
    name: "an auto-ack topic",
    steps: [
      step("set TOPIC 1\n", OK),
      step(`pub TOPIC  0\n${sized("a")}pop TOPIC\n`, ID, message("<id>", "a")),
      step("ack <id> TOPIC\n", error("msgId:<id> is not exist")),
    ],
  },
  {
    name: "dead, where nothing has died",
    steps: [step("dead TOPIC default\ndead TOPIC 10\n", error("E_INVALID_DEAD - no message"), error("no message"))],
  },
  { name: "dead without a topic", steps: [step("dead  default\n", error("E_INVALID_TOPIC - topic is empty"))] },
  {
    name: "dead with too few words",
    steps: [step("dead TOPIC\n", error("E_INVALID_PARAMS - 2 parameters required"))],
    closes: true,
  },
];

const TOPICS: readonly LineCase[] = [
  { name: "set, both generations", steps: [step("set TOPIC 0 1 60 5\nset TOPIC 1\n", OK, OK)] },
  {
    name: "set of what is none",
    steps: [
      step("set TOPIC 7\n", error("isAutoAck must be 0 or 1")),
      step("set TOPIC 0 1 x 5\n", error("E_INVALID_SET - msgTTR must be a number of seconds, at least 1")),
    ],
  },
  {
    name: "set with some of its words",
    steps: [step("set TOPIC 0 1\n", error("E_INVALID_PARAMS - 5 parameters required"))],
    closes: true,
  },
  { name: "set without a topic", steps: [step("set  0\n", error("topic is empty"))], closes: true },
  {
    name: "queue, twice",
    steps: [
      step(
        "queue TOPIC homework\nqueue TOPIC homework\n",
        OK,
        error("E_INVALID_DECLARE - bindKey homework has exist."),
      ),
    ],
  },
  {
    name: "queue without a bind key",
    steps: [step("queue TOPIC \n", error("E_INVALID_BINDKEY - bind key required"))],
    closes: true,
  },
  {
    name: "queue without a topic",
    steps: [step("queue  a\n", error("E_INVALID_TOPIC - topic name required"))],
    closes: true,
  },
  {
    name: "queue with too few words",
    steps: [step("queue TOPIC\n", error("E_INVALID_PARAMS - 2 parameters required"))],
    closes: true,
  },
  {
    name: "subscribe and publish",
    steps: [
      step(`publish TOPIC\n${sized("a")}`, error("E_INVALID_PUBLISH - no subscribers")),
      step("subscribe TOPIC\n", OK),
      step(`publish TOPIC\n${sized("\0\xff\n")}`, `${TYPE.channel} \0\xff\n`, OK),
    ],
  },
  {
    name: "publish of a body that is too large skips it",
    steps: [
      step(`publish TOPIC\n${sized(TOO_LARGE)}`, error(`E_INVALID_PUBLISH - body is above ${MAX_MESSAGE_BYTES} bytes`)),
    ],
  },
  {
    name: "publish to no channel",
    steps: [step("publish \n", error("E_INVALID_CHANNEL - channel name required"))],
    closes: true,
  },
  {
    name: "publish with too many words",
    steps: [step("publish TOPIC hello\n", error("E_INVALID_PARAMS - 1 parameters required"))],
    closes: true,
  },
  {
    name: "subscribe to no channel",
    steps: [step("subscribe \n", error("E_INVALID_CHANNEL - channel name is empty"))],
    closes: true,
  },
  {
    name: "subscribe with too many words",
    steps: [step("subscribe TOPIC b\n", error("E_INVALID_PARAMS - 1 parameters required"))],
    closes: true,
  },
  { name: "ping", steps: [step("ping x\nping \nfoo bar\n", error("E_INVALID_CMD - unkown cmd: foo"))] },
  { name: "commands in capitals are none", steps: [step("PING x\n", error("E_INVALID_CMD - unkown cmd: PING"))] },
  { name: "a line of one word", steps: [step("ping\n")], closes: true },
  { name: "an empty line", steps: [step("ping x\n\n")], closes: true },
  {
    name: "a line that does not end",
    steps: [step(`pub ${"n".repeat(4093)}`, error("E_INVALID_PARAMS - a line has at most 4096 bytes"))],
    closes: true,
  },
  { name: "a request line of HTTP", steps: [step("queue TOPIC HTTP/1.1\n")], closes: true },
];

export const LINE_CASES: readonly LineCase[] = [...PUBLISHING, ...MANY, ...CONSUMING, ...TOPICS];
