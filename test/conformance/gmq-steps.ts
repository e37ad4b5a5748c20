/**
 * What gmq's operations answer, as data: a front end that serves them is right when it gives these answers. A case runs
 * alone on topics of its own, its steps one after another on one broker.
 *
 * In an answer `<id>`, `<id2>`, … stand for a message id: the first time any, then the same again; a parameter may name
 * one that an answer before it gave. `<time>` stands for `2006-01-02 15:04:05`.
 */
export type Operation =
  | "push"
  | "pop"
  | "ack"
  | "config"
  | "declareQueue"
  | "setIsAutoAck"
  | "getTopicStat"
  | "getQueuesByTopic"
  | "exitTopic";

export type Parameters = Readonly<Record<string, string | number>>;

export interface Step {
  readonly operation: Operation;
  readonly parameters: Parameters;
  /** The JSON, byte for byte. */
  readonly answer: string;
  /** Asked again as long as the answer is this one: for what takes time. */
  readonly instead?: string;
}

export interface Case {
  readonly name: string;
  readonly steps: readonly Step[];
}

export const PUSHED = '{"code":0,"data":{"msgId":"<id>"},"msg":"success"}';
export const PUSHED2 = '{"code":0,"data":{"msgId":"<id2>"},"msg":"success"}';
export const SUCCESS = '{"code":0,"data":null,"msg":"success"}';
export const DECLARED = '{"code":0,"data":null,"msg":"ok"}';
export const NO_MESSAGE = '{"code":1,"data":null,"msg":"no message"}';
export const TOPIC_IS_EMPTY = '{"code":1,"data":null,"msg":"topic is empty"}';
export const TOPIC_IS_NOT_EXIST = '{"code":1,"data":null,"msg":"topic is not exist"}';
export const MSG_ID_IS_EMPTY = '{"code":1,"data":null,"msg":"msgId is empty"}';

export const step = (operation: Operation, parameters: Parameters, answer: string): Step => ({
  operation,
  parameters,
  answer,
});
export const refused = (text: string): string => `{"code":1,"data":null,"msg":"${text}"}`;
export const message = (id: string, body: string, retries = 0): string =>
  `{"code":0,"data":{"id":"${id}","body":"${body}","retry_count":${retries}},"msg":"success"}`;
