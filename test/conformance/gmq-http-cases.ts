/** What gmq's HTTP API makes of requests as they are written: methods, forms, encodings. Literal request, literal answer. */
import type { HttpAnswer, HttpRequest } from "./http-exchange.js";

export interface HttpCase {
  readonly name: string;
  readonly request: HttpRequest;
  readonly answer: HttpAnswer;
}

const FORM = { "content-type": "application/x-www-form-urlencoded" };
const FORM_UTF8 = { "content-type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8" };
const MULTIPART = { "content-type": "multipart/form-data; boundary=xx" };
const PUSHED = '{"code":0,"data":{"msgId":"<id>"},"msg":"success"}';
const DATA_IS_EMPTY = '{"code":1,"data":null,"msg":"data is empty"}';

const json = (body: string): HttpAnswer => ({ status: 200, type: "application/json", body });
const push = (name: string, request: Partial<HttpRequest>, body: string): HttpCase => ({
  name: `/push ${name}`,
  request: { method: "POST", path: "/push", ...request },
  answer: json(body),
});
const pop = (topic: string, body: string): HttpCase => ({
  name: `/pop of it answers ${body}`,
  request: { method: "GET", path: `/pop?topic=${topic}` },
  answer: json(`{"code":0,"data":{"id":"<id>","body":"${body}","retry_count":0},"msg":"success"}`),
});
const part = (disposition: string, value: string): string =>
  `--xx\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${value}\r\n`;

/** In order: a /pop looks at what the /push before it left. */
export const HTTP_CASES: readonly HttpCase[] = [
  push("of JSON as it is typed", { headers: FORM, body: 'data={"body":"a = b","topic":"typed"}' }, PUSHED),
  pop("typed", "a = b"),
  push(
    "of JSON with every character escaped",
    {
      headers: FORM_UTF8,
      body: "x=1&data=%7B%22body%22%3A%22%E4%BD%A0+%26%2B%22%2C%22topic%22%3A%22escaped%22%7D&y=2",
    },
    PUSHED,
  ),
  pop("escaped", "你 &+"),
  push("by PUT", { method: "PUT", headers: FORM, body: 'data={"body":"put","topic":"put"}' }, PUSHED),
  pop("put", "put"),
  push(
    "of a multipart form",
    {
      headers: MULTIPART,
      body: `${part('name="x"', "1")}${part('name="data"', '{"body":"é+%41","topic":"multipart"}')}--xx--\r\n`,
    },
    PUSHED,
  ),
  pop("multipart", "é+%41"),
  push(
    "of a multipart form by PUT",
    { method: "PUT", headers: MULTIPART, body: `${part('name="data"', '{"topic":"multiput"}')}--xx--\r\n` },
    PUSHED,
  ),
  push(
    "of a multipart form whose data is a file",
    { headers: MULTIPART, body: `${part('name="data"; filename="f"', '{"topic":"file"}')}--xx--\r\n` },
    DATA_IS_EMPTY,
  ),
  push("of a multipart form that is none", { headers: MULTIPART, body: "data={}" }, DATA_IS_EMPTY),
  push(
    "of bytes that are not UTF-8",
    { headers: FORM, body: Buffer.from('data={"body":"\xff\xe9!","topic":"latin"}', "latin1") },
    PUSHED,
  ),
  pop("latin", "\ufffd\ufffd!"),
  push(
    "of escapes that are not UTF-8",
    { headers: FORM, body: 'data={"body":"%FF%E9!","topic":"escaped latin"}' },
    PUSHED,
  ),
  pop("escaped+latin", "\ufffd\ufffd!"),
  push("takes names of fields in any case", { headers: FORM, body: 'data={"Body":"b","Topic":"case"}' }, PUSHED),
  pop("case", "b"),
  push("without data", { headers: FORM, body: "x=1" }, DATA_IS_EMPTY),
  push("with data that is empty", { headers: FORM, body: "data=" }, DATA_IS_EMPTY),
  push("without a body", { headers: FORM }, DATA_IS_EMPTY),
  push("by GET", { method: "GET", path: "/push?data={%22topic%22:%22get%22}" }, DATA_IS_EMPTY),
  push("by GET with a form", { method: "GET", headers: FORM, body: 'data={"topic":"get"}' }, DATA_IS_EMPTY),
  push(
    "with data in the query string",
    { path: "/push?data={%22topic%22:%22query%22}", headers: FORM, body: "x=1" },
    DATA_IS_EMPTY,
  ),
  push(
    "with a JSON content type",
    { headers: { "content-type": "application/json" }, body: '{"body":"b","topic":"json"}' },
    DATA_IS_EMPTY,
  ),
  push("without a content type", { body: 'data={"body":"b","topic":"untyped"}' }, DATA_IS_EMPTY),
  push(
    "of JSON that is a list",
    { headers: FORM, body: "data=[]" },
    '{"code":1,"data":null,"msg":"data is not a JSON object"}',
  ),
  {
    name: "/pop takes escapes and plus signs in its query",
    request: { method: "GET", path: "/pop?x=1&topic=no%20such+topic%3F&bindKey=" },
    answer: json('{"code":1,"data":null,"msg":"no message"}'),
  },
  {
    name: "/pop by POST takes its query",
    request: { method: "POST", path: "/pop?topic=none", headers: FORM, body: "topic=" },
    answer: json('{"code":1,"data":null,"msg":"no message"}'),
  },
  {
    name: "/ping answers plain text",
    request: { method: "GET", path: "/ping" },
    answer: { status: 200, type: "text/plain; charset=utf-8", body: "OK" },
  },
  {
    name: "/ping answers HEAD",
    request: { method: "HEAD", path: "/ping" },
    answer: { status: 200, type: undefined, body: "" },
  },
  {
    name: "HEAD pops nothing",
    request: { method: "HEAD", path: "/pop?topic=head" },
    answer: { status: 200, type: undefined, body: "" },
  },
  {
    name: "a path that is none is not found",
    request: { method: "GET", path: "/nosuch" },
    answer: { status: 404, type: undefined, body: "not found" },
  },
  {
    name: "a path below another is not found",
    request: { method: "GET", path: "/pop/x?topic=t" },
    answer: { status: 404, type: undefined, body: "not found" },
  },
];
