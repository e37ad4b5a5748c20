/** The command lines of gmq's README, as they stand there, run by a shell with the built programs on its PATH. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { GmqConnection } from "../../src/gmq-client/connection.js";
import { idTime, parseId } from "../../src/protocol/id.js";
import { Shell, withFreePorts } from "./shell.js";

/** gmq's own examples, Chinese comments behind values and all. */
const GNODE_CONF = `[node]
id = 1              # 节点唯一id,范围为0到1023
weight = 1          # 节点权重,客户端可以根据权重来推送消费消息
msgTTR = 60         # 超时时间,消息在ttr时间内未得到确认则会再次被消费
msgMaxRetry = 5     # 消息最大重试次数
dataSavePath = data/gnode # 数据(消息,日志)存储目录,相对于命令执行目录

[http_server]
addr = 127.0.0.1:9504
certFile = server.pem # 相对于命令执行目录
keyFile = server.key  # 同上
enableTls = false

[tcp_server]
addr = 127.0.0.1:9503
weight = 1
certFile = server.pem
keyFile = server.key
enableTls = false

[log]
target_type = console # 多个日志对象处理器使用逗号隔开,console控制台,file文件
filename = gnode.log
level = 2             # 0错误,1警告,2信息,3追踪,4调试,值越小,级别越大
max_size = 50000000
rotate = true         # 是否旋转日志,当日志达到max_size将会执行

[gregister]
addr = http://127.0.0.1:9595 
`;

const GREGISTER_CONF = `[http_server]
addr = 127.0.0.1:9595
certFile = ../../keys/server.pem
keyFile = ../../keys/server.key
enableTls = false

[log]
target_type = file,console # 多个日志对象处理器使用逗号隔开
filename = gregister.log
level = 5
max_size = 50000000
rotate = true        # 是否旋转日志,当日志达到max_size将会执行
`;

const PUSH = `curl -d 'data={"body":"this is a job","topic":"game_1","delay":20}' 'http://127.0.0.1:9504/push'`;
const POP = "curl http://127.0.0.1:9504/pop?topic=xxx ";
const ACK = "curl http://127.0.0.1:9504/ack?msgId=xxx&topic=xxx";

const DELAY = 20_000;
/** How much later than due the broker may hand a message out, milliseconds. */
const TOLERANCE = 20;

/** How late a timer of this process was just before `at`: what a busy machine adds to all that it measures. */
const lateness = (at: number): Promise<number> =>
  new Promise((resolve) => {
    let worst = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      worst = Math.max(worst, now - last - 10);
      last = now;
      if (Date.now() < at + 2 * TOLERANCE) return;
      clearInterval(timer);
      resolve(worst);
    }, 10);
  });

it(
  "every command line of gmq's README works as written, and the delayed message comes when it is due",
  async () => {
    const port = await withFreePorts([9503, 9504, 9595]);
    const shell = new Shell();
    const registryShell = new Shell(join(shell.directory, "gregister"));
    mkdirSync(registryShell.directory);
    writeFileSync(join(shell.directory, "conf.ini"), port(GNODE_CONF));
    writeFileSync(join(registryShell.directory, "conf.ini"), port(GREGISTER_CONF));
    const json = async (line: string) => JSON.parse(await shell.output(port(line)));
    const listed = `curl -s http://127.0.0.1:9595/getNodes`;

    // By their configuration files.
    const registry = registryShell.program(`gregister -config_file="conf.ini"`);
    await registry.said("gregister runs");
    const node = shell.program(`gnode -config_file="conf.ini"`);
    await node.said("the node is listed");
    const { nodes } = (await json(listed)).data;
    expect(nodes).toMatchObject([
      { id: 1, weight: 1, tcp_addr: port("127.0.0.1:9503"), http_addr: port("127.0.0.1:9504") },
    ]);
    const pushed = await json(PUSH);
    expect(pushed).toEqual({ code: 0, data: { msgId: expect.stringMatching(/^\d+$/) }, msg: "success" });
    node.child.kill("SIGTERM");
    expect(await node.exit).toBe(0);
    expect((await json(listed)).data.nodes).toEqual([]);
    registry.child.kill("SIGTERM");
    expect(await registry.exit).toBe(0);

    // By flags, with the same messages.
    const again = shell.program(port(`gregister -http_addr="127.0.0.1:9595"`));
    await again.said("gregister runs");
    const flags = `-http_addr="127.0.0.1:9504" -tcp_addr="127.0.0.1:9503" -register_addr="http://127.0.0.1:9595" -node_id=1 -node_weight=1 `;
    const byFlags = shell.program(port(`gnode ${flags}`));
    await byFlags.said("the node is listed");
    expect((await json(listed)).data.nodes).toHaveLength(1);

    // Somebody waits for the delayed message, from here on.
    const { high, low } = parseId(pushed.data.msgId) ?? { high: 0, low: 0 };
    const due = idTime(high, low) + DELAY;
    const waiting = await GmqConnection.open({ host: "127.0.0.1", port: Number(port(":9503").slice(1)) });
    const delayed = waiting.send(Buffer.from("pop game_1 \n")).then(({ data }) => ({ at: Date.now(), data }));
    delayed.catch(() => {});

    expect(await json(POP)).toEqual({ code: 1, data: null, msg: "no message" });
    // The shell ends the command at the &, so curl asks without a topic.
    expect(await json(ACK)).toMatchObject({ code: 1, data: null });
    await json(PUSH.replace("game_1", "xxx").replace(`,"delay":20`, ""));
    const popped = await json(POP);
    expect(popped).toMatchObject({ code: 0, data: { body: "this is a job", retry_count: 0 } });
    expect(await json(ACK.replace("msgId=xxx&", `msgId=${popped.data.id}\\&`))).toMatchObject({ code: 0 });

    // What is run inside of its containers, on this machine.
    const push = shell.program(
      port(`gclient -node_addr="127.0.0.1:9503" -cmd="push" -topic="gmq-topic-1" -push_num=1000`),
    );
    expect(await push.exit).toBe(0);
    expect(push.text.err.match(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d rtype:103, msg\.id:\d+$/gm)).toHaveLength(1000);
    expect(push.text.err).toMatch(/ in total\.\n$/);
    const loop = shell.program(port(`gclient -node_addr="127.0.0.1:9503" -cmd="pop_loop" -topic="gmq-topic-1" `));
    await loop.said(/no message/);
    expect(loop.text.err.match(/ recv msg:\{"id":"\d+","body":"golang_\d+","retry_count":0\}$/gm)).toHaveLength(1000);
    loop.child.kill("SIGINT");
    expect(await loop.exit).toBe(0);

    const [{ at, data }, late] = await Promise.all([delayed, lateness(due)]);
    waiting.close();
    expect(JSON.parse(data.toString())).toEqual({ id: pushed.data.msgId, body: "this is a job", retry_count: 0 });
    expect(at - due).toBeGreaterThanOrEqual(-1);
    expect(at - due).toBeLessThanOrEqual(TOLERANCE + late);

    byFlags.child.kill("SIGTERM");
    expect(await byFlags.exit).toBe(0);
    again.child.kill("SIGTERM");
    expect(await again.exit).toBe(0);
  },
  DELAY + 40_000,
);
