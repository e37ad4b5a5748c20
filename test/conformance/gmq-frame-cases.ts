/** What gmq's frames ask and hear, as literal data: each case finds no job, and may leave some. */
import { ack, ERROR, JOB, MESSAGE, pop, push, request } from "./gmq-frame-client.js";

/** Those that cases push to. */
export const TOPICS = ["t", "t1", "t2", "t3"] as const;

export interface FrameCase {
  readonly name: string;
  readonly steps: readonly (readonly [Buffer, string | undefined])[];
  /** The broker closes the connection behind the last answer. */
  readonly closes?: boolean;
}

const job = (id: string, more = "", topic = "t"): string =>
  `{"Id":${id},"Topic":"${topic}","Delay":0,"TTR":${more || 0},"Body":"b","Status":3,"ConsumeNum":0}`;

const pushed = (id: unknown, ttr = 0, topic = "t"): Buffer => push({ Id: id, Topic: topic, TTR: ttr, Body: "b" });

const raw = (text: string): Buffer => request("push", text);

/** What is wrong with a push, and its answer. */
const REFUSED: readonly (readonly [string, string])[] = [
  ["", "data is not JSON"],
  ["{", "data is not JSON"],
  ["[]", "data is not a JSON object"],
  ["null", "data is not a JSON object"],
  ["5", "data is not a JSON object"],
  ["{}", "job.id is empty"],
  ['{"Id":"","Topic":"t"}', "job.id is empty"],
  ['{"Id":0,"Topic":"t"}', "job.id is empty"],
  ['{"Id":null,"Topic":"t"}', "job.id is empty"],
  ['{"Id":1.5,"Topic":"t"}', "Id is not a whole number"],
  ['{"Id":1e300,"Topic":"t"}', "Id is not a whole number"],
  ['{"Id":true,"Topic":"t"}', "Id is neither a number nor a string"],
  [`{"Id":"${"x".repeat(256)}","Topic":"t"}`, "Id is longer than 255 bytes"],
  [`{"Id":1${"0".repeat(255)},"Topic":"t"}`, "Id is longer than 255 bytes"],
  ['{"Id":1}', "job.topic is empty"],
  ['{"Id":1,"Topic":""}', "job.topic is empty"],
  ['{"Id":1,"Topic":7}', "Topic is not a string"],
  [`{"Id":1,"Topic":"${"é".repeat(128)}"}`, "Topic is longer than 255 bytes"],
  ['{"Id":1,"Topic":"t","Delay":"1"}', "Delay is not a whole number of seconds"],
  ['{"Id":1,"Topic":"t","Delay":0.5}', "Delay is not a whole number of seconds"],
  ['{"Id":1,"Topic":"t","Delay":315360001}', "Delay is longer than ten years"],
  ['{"Id":1,"Topic":"t","TTR":"1"}', "TTR is not a whole number of seconds"],
  ['{"Id":1,"Topic":"t","TTR":315360001}', "TTR is longer than ten years"],
  ['{"Id":1,"Topic":"t","Body":{}}', "Body is not a string"],
  [
    `{"Id":1,"Topic":"t","Body":"${"x".repeat(32_767 - 31)}"}`,
    "with all its fields the job is longer than 32767 bytes",
  ],
];

export const FRAME_CASES: readonly FrameCase[] = [
  {
    name: "push and pop of a job with TTR 0, which the pop acks",
    steps: [
      [pushed("a"), MESSAGE("a")],
      [pop("t"), JOB(job('"a"'))],
      [ack("a"), ERROR("job a is not exist")],
      [pushed("a"), MESSAGE("a")],
      [pop("t"), JOB(job('"a"'))],
    ],
  },
  {
    name: "push, pop and ack of a job with a TTR",
    steps: [
      [pushed("a", 60), MESSAGE("a")],
      [ack("a"), ERROR("job a cannot be acked: it has not been popped")],
      [pop("t"), JOB(job('"a"', "60"))],
      [ack("a"), MESSAGE("success")],
      [ack("a"), ERROR("job a is not exist")],
    ],
  },
  {
    name: "ids as they came: a number, a string, digits beyond 2^53",
    steps: [
      [pushed(5), MESSAGE("5")],
      [pushed("05"), MESSAGE("05")],
      [raw('{"Id":384261148721025024,"Topic":"t","Body":"b"}'), MESSAGE("384261148721025024")],
      [
        raw('{"Body":"b","Topic":"t","\\u0049d" : -123456789012345678901234567890}'),
        MESSAGE("-123456789012345678901234567890"),
      ],
      [raw('{"Id":"384261148721025027","Topic":"t","Body":"b"}'), MESSAGE("384261148721025027")],
      [pop("t"), JOB(job("5"))],
      [pop("t"), JOB(job('"05"'))],
      [pop("t"), JOB(job("384261148721025024"))],
      [pop("t"), JOB(job("-123456789012345678901234567890"))],
      [pop("t"), JOB(job('"384261148721025027"'))],
    ],
  },
  {
    name: "an ack by a number of more than 53 bits, and by the same digits as a string",
    steps: [
      [raw('{"Id":384261148721025024,"Topic":"t","TTR":9,"Body":"b"}'), MESSAGE("384261148721025024")],
      [raw('{"Id":384261148721025025,"Topic":"t","TTR":9,"Body":"b"}'), MESSAGE("384261148721025025")],
      [pop("t"), JOB(job("384261148721025024", "9"))],
      [pop("t"), JOB(job("384261148721025025", "9"))],
      [request("ack", '{"jobid":384261148721025025}'), MESSAGE("success")],
      [request("ack", '{"JOBID":"384261148721025024"}'), MESSAGE("success")],
    ],
  },
  {
    name: "names of fields in any case, and fields that it does not know",
    steps: [
      [raw('{"id":7,"TOPIC":"t","delay":-3,"ttr":-1,"bOdY":"b","status":2,"consumeNum":9,"x":[{}]}'), MESSAGE("7")],
      [pop("t"), JOB(job("7"))],
    ],
  },
  {
    name: "a missing body, null for what is empty, text that has to be escaped",
    steps: [
      [raw('{"Id":1,"Topic":"t","Delay":null,"TTR":null,"Body":null}'), MESSAGE("1")],
      [pop("t"), JOB('{"Id":1,"Topic":"t","Delay":0,"TTR":0,"Body":"","Status":3,"ConsumeNum":0}')],
      [raw('{"Id":"\\"é","Topic":"t","Body":"\\u00e9\\n\\\\\\"\\ud83d\\ude00"}'), MESSAGE('"é')],
      [pop("t"), JOB('{"Id":"\\"é","Topic":"t","Delay":0,"TTR":0,"Body":"é\\n\\\\\\"😀","Status":3,"ConsumeNum":0}')],
    ],
  },
  {
    name: 'a second push of a job that is there; 5 and "5" are the same',
    steps: [
      [pushed(5, 60), MESSAGE("5")],
      [pushed("5", 60), ERROR("job 5 has exist")],
      [pop("t"), JOB(job("5", "60"))],
      [pushed(5, 60), ERROR("job 5 has exist")],
      [ack("5"), MESSAGE("success")],
      [pushed("5", 60), MESSAGE("5")],
    ],
  },
  {
    name: "several topics in their order",
    steps: [
      [pushed(1, 0, "t3"), MESSAGE("1")],
      [pushed(2, 0, "t2"), MESSAGE("2")],
      [pop("t1,t2,,t3,t2"), JOB(job("2", "0", "t2"))],
      [pop("t1,t2,t3"), JOB(job("1", "0", "t3"))],
    ],
  },
  {
    name: "ping, which has no answer",
    steps: [
      [request("ping"), undefined],
      [request("ping", "x"), undefined],
      [pushed(1), MESSAGE("1")],
    ],
  },
  {
    name: "commands that there are not",
    steps: [
      [request("", ""), ERROR("unkown cmd")],
      [request("POP", "t"), ERROR("unkown cmd")],
      [request("pushx", "{}"), ERROR("unkown cmd")],
      [request("x".repeat(32_767), "x".repeat(32_767)), ERROR("unkown cmd")],
      [pushed(1), MESSAGE("1")],
    ],
  },
  {
    name: "refused pops",
    steps: [
      [pop(""), ERROR("topic is empty")],
      [pop(",,"), ERROR("topic is empty")],
      [pop(Array.from({ length: 65 }, (_, i) => `t${i}`).join(",")), ERROR("a pop has at most 64 topics")],
      [pop("x".repeat(256)), ERROR("topic has more than 255 bytes")],
      [pushed(1), MESSAGE("1")],
    ],
  },
  {
    name: "refused acks",
    steps: [
      [request("ack", ""), ERROR("data is not JSON")],
      [request("ack", "5"), ERROR("data is not a JSON object")],
      [request("ack", "{}"), ERROR("job.id is empty")],
      [request("ack", '{"JobId":[]}'), ERROR("JobId is neither a number nor a string")],
      [ack("nosuch"), ERROR("job nosuch is not exist")],
      [ack(12), ERROR("job 12 is not exist")],
    ],
  },
  { name: "refused pushes", steps: REFUSED.map(([data, text]) => [raw(data), ERROR(text)]) },
  {
    name: "the longest job that there may be",
    steps: [
      [push({ Id: 1, Topic: "t", Body: "x".repeat(32_767 - 80) }), MESSAGE("1")],
      [
        pop("t"),
        JOB(`{"Id":1,"Topic":"t","Delay":0,"TTR":0,"Body":"${"x".repeat(32_767 - 80)}","Status":3,"ConsumeNum":0}`),
      ],
    ],
  },
  {
    name: "bytes that are not UTF-8, each of which becomes three",
    steps: [
      [
        request(
          "push",
          Buffer.concat([Buffer.from('{"Id":1,"Topic":"t","Body":"'), Buffer.alloc(11_000, 0xff), Buffer.from('"}')]),
        ),
        ERROR("with all its fields the job is longer than 32767 bytes"),
      ],
      [request("push", Buffer.from('{"Id":1,"Topic":"t","Body":"\xff"}', "latin1")), MESSAGE("1")],
      [pop("t"), JOB('{"Id":1,"Topic":"t","Delay":0,"TTR":0,"Body":"\ufffd","Status":3,"ConsumeNum":0}')],
    ],
  },
  {
    name: "bytes that are no request",
    steps: [
      [pushed(1), MESSAGE("1")],
      [Buffer.from("v112"), ERROR("a request begins with v111")],
    ],
    closes: true,
  },
  {
    name: "a negative length of the command",
    steps: [[Buffer.from("v111\xff\xff\0\0", "latin1"), ERROR("a length is negative")]],
    closes: true,
  },
  {
    name: "a negative length of the data",
    steps: [[Buffer.from("v111\0\x03\x80\0pop", "latin1"), ERROR("a length is negative")]],
    closes: true,
  },
];
