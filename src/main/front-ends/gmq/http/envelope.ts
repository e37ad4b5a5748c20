/**
 * The answers of gmq's HTTP API: `{"code":0|1,"data":…,"msg":"…"}`, always HTTP 200, keys in this order. They are built
 * as text, because the shape never changes and most of the values are already JSON.
 */

const failed = (text: string): string => `{"code":1,"data":null,"msg":${JSON.stringify(text)}}`;

/** A refusal: code 1 with a text for people. */
export const failure = failed;

/** Done, and nothing to tell. */
export const done = (text: string): string => `{"code":0,"data":null,"msg":${JSON.stringify(text)}}`;

/** Done, with data that is JSON already. */
export const success = (data: string): string => `${SUCCESS_HEAD}${data}${SUCCESS_TAIL}`;

/** The two ends of a success, for data that is sent in parts. */
export const SUCCESS_HEAD = '{"code":0,"data":';
export const SUCCESS_TAIL = ',"msg":"success"}';

/** The answer of a push. */
export const pushed = (id: string): string => `{"code":0,"data":{"msgId":"${id}"},"msg":"success"}`;

/** The answer of a pop. */
export const popped = (id: string, body: string, retry: number): string => {
  const [head, tail] = poppedEnds(id, retry);
  return `${head}${JSON.stringify(body).slice(1, -1)}${tail}`;
};

/** What stands before and behind the text of the body. */
export const poppedEnds = (id: string, retry: number): readonly [string, string] => [
  `{"code":0,"data":{"id":"${id}","body":"`,
  `","retry_count":${retry}},"msg":"success"}`,
];

export const SUCCESS = done("success");
export const DECLARED = done("ok");
export const DATA_IS_EMPTY = failed("data is empty");
export const TOPIC_IS_EMPTY = failed("topic is empty");
export const MSG_ID_IS_EMPTY = failed("msgId is empty");
export const NO_MESSAGE = failed("no message");
export const TOPIC_IS_NOT_EXIST = failed("topic is not exist");

export const isNotExist = (id: string): string => failed(`msgId:${id} is not exist`);
export const hasExist = (bindKey: string): string => failed(`bindKey ${bindKey} has exist.`);
export const isNotMatch = (routeKey: string, mode: 1 | 2): string =>
  failed(`routeKey:${routeKey} is not match with queue, the mode is ${mode}`);
export const cannotMatchQueue = (bindKey: string): string => failed(`bindKey:${bindKey} can't match queue`);
export const isNotAssociated = (bindKey: string): string => failed(`bindkey:${bindKey} is not associated with queue`);
export const hasExited = (topic: string): string => done(`topic.${topic} has exit.`);
