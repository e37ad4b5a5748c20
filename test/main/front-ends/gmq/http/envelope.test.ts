import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as envelope from "../../../../../src/main/front-ends/gmq/http/envelope.js";
import * as words from "../../../../../src/main/front-ends/gmq/words.js";

describe("an answer", () => {
  test("has its keys in the order code, data, msg", () => {
    expect(envelope.failure("why")).toBe('{"code":1,"data":null,"msg":"why"}');
    expect(envelope.done("ok")).toBe('{"code":0,"data":null,"msg":"ok"}');
    expect(envelope.success("[]")).toBe('{"code":0,"data":[],"msg":"success"}');
    expect(envelope.pushed("384261148721025024")).toBe(
      '{"code":0,"data":{"msgId":"384261148721025024"},"msg":"success"}',
    );
    expect(envelope.popped("1", "this is a job", 2)).toBe(
      '{"code":0,"data":{"id":"1","body":"this is a job","retry_count":2},"msg":"success"}',
    );
  });

  test("is JSON whatever text it carries", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(JSON.parse(envelope.failure(text))).toEqual({ code: 1, data: null, msg: text });
        expect(JSON.parse(envelope.popped("1", text, 0))).toEqual({
          code: 0,
          data: { id: "1", body: text, retry_count: 0 },
          msg: "success",
        });
        expect(JSON.parse(envelope.done(words.hasExited(text)))).toEqual({
          code: 0,
          data: null,
          msg: `topic.${text} has exit.`,
        });
      }),
    );
  });

  test.each([
    [envelope.DATA_IS_EMPTY, "data is empty"],
    [envelope.TOPIC_IS_EMPTY, "topic is empty"],
    [envelope.MSG_ID_IS_EMPTY, "msgId is empty"],
    [envelope.NO_MESSAGE, "no message"],
    [envelope.failure(words.TOPIC_IS_NOT_EXIST), "topic is not exist"],
    [envelope.failure(words.isNotExist("123")), "msgId:123 is not exist"],
    [envelope.failure(words.hasExist("homework")), "bindKey homework has exist."],
    [envelope.failure(words.isNotMatch("nosuch", 1)), "routeKey:nosuch is not match with queue, the mode is 1"],
    [envelope.failure(words.cannotMatchQueue("nosuch")), "bindKey:nosuch can't match queue"],
    [envelope.failure(words.isNotAssociated("nosuch")), "bindkey:nosuch is not associated with queue"],
  ])("that refuses says so in gmq's words: %s", (json, text) => {
    expect(JSON.parse(json)).toEqual({ code: 1, data: null, msg: text });
  });
});
