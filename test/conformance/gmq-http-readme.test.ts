/** The commands of gmq's documentation, run by a shell with the real curl. */
import { exec } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Broker, startBroker } from "../../dist/index.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { Places } from "./places.js";

const run = promisify(exec);

let data = "";
let broker: Broker;
let port = 0;

beforeAll(async () => {
  data = makeDirectory();
  const free = { host: "127.0.0.1", port: 0 };
  broker = await startBroker({ tcp: free, http: free, data, shards: 1, memory: 64 * 1024 * 1024 });
  port = broker.addresses.http?.port ?? 0;
});
afterAll(async () => {
  await broker.close();
  removeDirectory(data);
});

/** As they are documented, in this order; the port alone is another. */
const COMMANDS: readonly (readonly [command: string, answer: string])[] = [
  [
    `curl -d 'data={"body":"this is a job","topic":"game_1","delay":20}' 'http://127.0.0.1:9504/push'`,
    '{"code":0,"data":{"msgId":"<id>"},"msg":"success"}',
  ],
  ["curl http://127.0.0.1:9504/pop?topic=xxx ", '{"code":1,"data":null,"msg":"no message"}'],
  // The shell ends the command at the &, so that curl asks without a topic.
  ["curl http://127.0.0.1:9504/ack?msgId=xxx&topic=xxx", '{"code":1,"data":null,"msg":"msgId is empty"}'],
  [
    `curl "http://127.0.0.1:9504/config?topic=xxx&isAuthoAck=1&mode=1&msgTTR=30&msgRetry=5"`,
    '{"code":0,"data":null,"msg":"success"}',
  ],
  [`curl "http://127.0.0.1:9504/declareQueue?topic=xxx&bindKey=kkk"`, '{"code":0,"data":null,"msg":"ok"}'],
  [
    `curl http://127.0.0.1:9504/push -X POST -d 'data={"body":"this is a job","topic":"xxx","delay":0,"route_key":"kkk"}'`,
    '{"code":0,"data":{"msgId":"<id>"},"msg":"success"}',
  ],
  [
    `curl "http://127.0.0.1:9504/pop?topic=xxx&bindKey=kkk"`,
    '{"code":0,"data":{"id":"<id>","body":"this is a job","retry_count":0},"msg":"success"}',
  ],
  [
    `curl "http://127.0.0.1:9504/getTopicStat?topic=game_1"`,
    '{"code":0,"data":{"name":"game_1","pop_num":0,"push_num":1,"dead_num":0,"queue_msg_num":0,"queue_num":1,' +
      '"delay_num":1,"wait_ack_num":0,"start_time":"<time>","is_auto_ack":false},"msg":"success"}',
  ],
  ["curl http://127.0.0.1:9504/setIsAutoAck?topic=xxx", '{"code":0,"data":null,"msg":"success"}'],
  ["curl http://127.0.0.1:9504/exitTopic?topic=xxx", '{"code":0,"data":null,"msg":"topic.xxx has exit."}'],
  [
    "curl http://127.0.0.1:9504/getAllTopicStat",
    '{"code":0,"data":[{"name":"game_1","pop_num":0,"push_num":1,"dead_num":0,"queue_msg_num":0,"queue_num":1,' +
      '"delay_num":1,"wait_ack_num":0,"start_time":"<time>","is_auto_ack":false}],"msg":"success"}',
  ],
];

let places = new Places();

test.for(COMMANDS)("%s", async ([command, answer]) => {
  if (command.includes("/push")) places = new Places();
  const { stdout } = await run(`${command.replace(":9504", `:${port}`).replace("curl ", "curl -s ")}\nwait`);
  expect(places.hide(stdout, answer)).toBe(answer);
});
