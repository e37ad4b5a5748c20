/**
 * The answers of gmq's HTTP API: `{"code":0|1,"data":…,"msg":"…"}`, always HTTP 200, keys in this order. They are built
 * as text, because the shape never changes and most of the values are already JSON.
 */

import * as words from "../words.js";

/** A refusal: code 1 with a text for people. */
export const failure = (text: string): string => `{"code":1,"data":null,"msg":${JSON.stringify(text)}}`;

/** The answer to an operation without data. `refusal` says why it was refused; undefined: it was not. */
export const outcome = (refusal: string | undefined, success = SUCCESS): string =>
  refusal === undefined ? success : failure(refusal);

/** Success without data. */
export const done = (text: string): string => `{"code":0,"data":null,"msg":${JSON.stringify(text)}}`;

/** Success with data, which is JSON already. */
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

/** What comes before and after the text of the body. */
export const poppedEnds = (id: string, retry: number): readonly [string, string] => [
  `{"code":0,"data":{"id":"${id}","body":"`,
  `","retry_count":${retry}},"msg":"success"}`,
];

export const SUCCESS = done(words.SUCCESS);
export const DECLARED = done(words.DECLARED);
export const DATA_IS_EMPTY = failure("data is empty");
export const TOPIC_IS_EMPTY = failure(words.TOPIC_IS_EMPTY);
export const MSG_ID_IS_EMPTY = failure(words.MSG_ID_IS_EMPTY);
export const NO_MESSAGE = failure(words.NO_MESSAGE);
