/** What gmq says: the texts that its clients know, whatever protocol carries them. */

export const SUCCESS = "success";
export const DECLARED = "ok";
export const TOPIC_IS_EMPTY = "topic is empty";
export const MSG_ID_IS_EMPTY = "msgId is empty";
export const NO_MESSAGE = "no message";
export const TOPIC_IS_NOT_EXIST = "topic is not exist";
export const NO_SUBSCRIBERS = "no subscribers";

export const isNotExist = (id: string): string => `msgId:${id} is not exist`;
export const hasExist = (bindKey: string): string => `bindKey ${bindKey} has exist.`;
export const isNotMatch = (routeKey: string, mode: 1 | 2): string =>
  `routeKey:${routeKey} is not match with queue, the mode is ${mode}`;
export const cannotMatchQueue = (bindKey: string): string => `bindKey:${bindKey} can't match queue`;
export const isNotAssociated = (bindKey: string): string => `bindkey:${bindKey} is not associated with queue`;
export const hasExited = (topic: string): string => `topic.${topic} has exit.`;
