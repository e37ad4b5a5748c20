/** gnode, gregister and gclient as processes: what their README does not show. */
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseId } from "../../src/protocol/id.js";
import { Authority, writeAuthority, writeCertificate } from "../certificates.js";
import { sharedBroker } from "./brokers.js";
import { freePort, type Running, Shell } from "./shell.js";

/** Starts a node on any free ports. */
const startNode = async (shell: Shell, flags = "-register_addr="): Promise<Running & { tcp: number; http: number }> => {
  const node = shell.program(`gnode -tcp_addr=127.0.0.1:0 -http_addr=127.0.0.1:0 ${flags}`);
  const ports = await node.said(/tcp:\/\/127\.0\.0\.1:\d+\n.*\n.*http:\/\/127\.0\.0\.1:\d+\n/);
  const [tcp, http] = [...ports.matchAll(/(?:tcp|http):\/\/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));
  return { ...node, tcp: tcp ?? 0, http: http ?? 0 };
};

const startRegistry = async (shell: Shell): Promise<Running & { url: string }> => {
  const registry = shell.program("gregister -http_addr 127.0.0.1:0");
  const url = (await registry.said(/http:\/\/127\.0\.0\.1:\d+/)) as string;
  return { ...registry, url };
};

interface Listing {
  readonly data: {
    readonly nodes: readonly { id: number; tcp_addr: string; http_addr: string; weight: number }[];
  };
}

const listed = async (url: string): Promise<Listing["data"]["nodes"]> =>
  ((await (await fetch(`${url}/getNodes`)).json()) as Listing).data.nodes;

const stop = async ({ child, exit }: Running): Promise<number | null> => {
  child.kill("SIGTERM");
  return await exit;
};

describe("the flags of gmq's programs", () => {
  it.each([
    ["gnode -nod_id=3", "unknown option '-nod_id'\n(Did you mean -node_id?)"],
    ["gnode -node_id=1025", "It must be a whole number from 0 to 1024"],
    ["gnode -node_id", "argument missing"],
    ["gnode --tcp_addr=off", "It must be an address"],
    ["gnode -config_file=nowhere.ini", "nowhere.ini cannot be read: there is no such file"],
    ["gnode -tcp_addr=9503x", "or :port for all interfaces, with a port up to 65535."],
    ["gnode start", "'start' is no flag: there are flags only, as -h shows them. To run as a service, use a service"],
    ["gnode conf.ini", "'conf.ini' is no flag: there are flags only, as -h shows them. A flag and its value are"],
    ["gregister -http_addr=off", "It must be an address"],
    ["gregister -http_adr=:1", "(Did you mean -http_addr?)"],
    ["gweb -web_adr=:1", "(Did you mean -web_addr?)"],
    ["gweb -cert_file=cert.pem", "-cert_file and -key_file go together"],
    ["gclient -cmd=peek", "It must be one of push, mpush, pop"],
    ["gclient -topic 'a b'", "It must not have blanks"],
    ["gclient -cmd=ack", "ack needs the id of a message"],
  ])("%s is refused with %s", async (line, text) => {
    const refused = new Shell().program(line);
    expect(await refused.exit).toBe(2);
    expect(refused.text.err).toContain(text);
  });

  it.each(["gnode", "gregister", "gweb", "gclient"])("%s -h teaches", async (name) => {
    for (const flag of ["-h", "--help"]) {
      const { text, exit } = new Shell().program(`${name} ${flag}`);
      expect(await exit).toBe(0);
      expect(text.out).toMatch(/^Usage: g/);
      expect(text.out).toContain("Examples:");
      // Flags are shown with one dash.
      expect(text.out).toMatch(/^ {2}-h, -help /m);
      expect(text.out).not.toMatch(/^ {2}--/m);
    }
  });
});

describe("gnode", () => {
  it("is listed while it runs, and off the list before it stops", async () => {
    const shell = new Shell();
    const registry = await startRegistry(shell);
    const node = await startNode(shell, `-register_addr=${registry.url} -node_id=1024 -node_weight 7`);
    await node.said("the node is listed");
    const [tcp_addr, http_addr] = [`127.0.0.1:${node.tcp}`, `127.0.0.1:${node.http}`];
    expect(await listed(registry.url)).toMatchObject([{ id: 1024, tcp_addr, http_addr, weight: 7 }]);
    const { data } = JSON.parse(await shell.output(`curl -s -d 'data={"topic":"t"}' ${http_addr}/push`));
    // 1,024 is written as 0.
    expect(((parseId(data.msgId)?.low ?? -1) >>> 12) & 1023).toBe(0);
    expect(await stop(node)).toBe(0);
    expect(await listed(registry.url)).toEqual([]);
    expect(await stop(registry)).toBe(0);
  });

  it("still serves while it unregisters", async () => {
    const shell = new Shell();
    const registry = await startRegistry(shell);
    const heard: string[] = [];
    let node: Awaited<ReturnType<typeof startNode>> | undefined;
    // Before the registry, and on its way looks after the node.
    const between = createServer(async ({ url = "" }, response) => {
      if (url.startsWith("/unregister")) heard.push(await (await fetch(`http://127.0.0.1:${node?.http}/ping`)).text());
      response.end(await (await fetch(registry.url + url)).text());
    });
    onTestFinished(() => void between.close());
    between.listen(0, "127.0.0.1");
    await once(between, "listening");
    node = await startNode(shell, `-register_addr=127.0.0.1:${(between.address() as AddressInfo).port}`);
    await node.said("the node is listed");
    expect(await stop(node)).toBe(0);
    expect(heard).toEqual(["OK"]);
  });

  it("refuses an address that nobody can be told", async () => {
    const refused = new Shell().program("gnode -tcp_addr=127.0.0.1:0 -http_addr=127.0.0.1:0 -report_tcp_addr='a b:1'");
    expect(await refused.exit).toBe(2);
    expect(refused.text.err).toContain("a node announces addresses as in 10.0.0.1:9503; one is a b:1");
  });

  it("announces the names that it is given on both ports", async () => {
    const shell = new Shell();
    const registry = await startRegistry(shell);
    const node = shell.program(`gnode -tcp_addr=localhost:0 -http_addr=localhost:0 -register_addr=${registry.url}`);
    await node.said("the node is listed");
    const [{ tcp_addr = "", http_addr = "" } = {}] = await listed(registry.url);
    expect([tcp_addr, http_addr]).toEqual([
      expect.stringMatching(/^localhost:\d+$/),
      expect.stringMatching(/^localhost:\d+$/),
    ]);
    expect(await (await fetch(`http://${http_addr}/ping`)).text()).toBe("OK");
  });

  it("on all interfaces announces an address that others reach, and says which", async () => {
    const shell = new Shell();
    const registry = await startRegistry(shell);
    const node = shell.program(`gnode -tcp_addr=:0 -http_addr=:0 -register_addr=${registry.url}`);
    await node.said("the node is listed");
    const [{ tcp_addr = "", http_addr = "" } = {}] = await listed(registry.url);
    expect(node.text.err).toContain(
      `the node is announced under these addresses id=1 weight=1 tcp=${tcp_addr} http=${http_addr}`,
    );
    expect(await (await fetch(`http://${http_addr}/ping`)).text()).toBe("OK");
  });

  it("gives topics its TTR and retries, also to those that were there before, and has no more than it is to", async () => {
    const shell = new Shell();
    const before = await startNode(shell);
    await shell.output(`curl -s -d 'data={"topic":"t","body":"b"}' http://127.0.0.1:${before.http}/push`);
    expect(await stop(before)).toBe(0);
    const node = await startNode(shell, "-register_addr= -msg_ttr=1 -msg_max_retry=1 -no_console -no_openapi=true");
    const statuses = ["ping", "console/", "openapi.json"].map(
      async (path) => (await fetch(`http://127.0.0.1:${node.http}/${path}`)).status,
    );
    expect(await Promise.all(statuses)).toEqual([200, 404, 404]);
    const address = `-node_addr=127.0.0.1:${node.tcp}`;
    const loop = shell.program(`gclient ${address} -cmd=pop_loop -topic=t`);
    await loop.said(/"retry_count":1/);
    loop.child.kill("SIGTERM");
    expect(await loop.exit).toBe(0);
    expect(loop.text.err).toMatch(/"retry_count":0.*"retry_count":1/s);
  });

  it("logs where its file says, and keeps its messages beside", async () => {
    const shell = new Shell();
    mkdirSync(join(shell.directory, "data", "gnode"), { recursive: true });
    // Of a gmq that was here before.
    writeFileSync(join(shell.directory, "data", "gnode", "t_default.queue"), "");
    writeFileSync(
      join(shell.directory, "conf.ini"),
      "[node]\ndataSavePath = data/gnode # here\ncolour = red\n[log]\ntarget_type = file\nfilename = n.log\nlevel = 2\nrotate = true\nmax_size = 1\n[gregister]\naddr = \n",
    );
    const node = await startNode(shell, "-config_file=conf.ini -register_addr=");
    expect(await stop(node)).toBe(0);
    expect(node.text.err).toBe("");
    const log = readFileSync(join(shell.directory, "data", "gnode", "n.log"), "utf8");
    expect(log).toMatch(/WARN .*not known are ignored file=conf\.ini keys=\[node\] colour\n/);
    expect(log).toMatch(/INFO {2}stopped seconds=/);
  });

  it("also says in its log file why it could not start", async () => {
    const shell = new Shell();
    const other = await startNode(shell);
    writeFileSync(join(shell.directory, "conf.ini"), "[node]\ndataSavePath = d\n[log]\ntarget_type = file\n");
    const line = `gnode -config_file=conf.ini -register_addr= -tcp_addr=127.0.0.1:${other.tcp} -http_addr=127.0.0.1:0`;
    const refused = shell.program(line);
    expect(await refused.exit).toBe(1);
    const reason = `cannot listen for TCP on 127.0.0.1:${other.tcp}: the port is in use`;
    expect(refused.text.err).toContain(`error: ${reason}`);
    expect(readFileSync(join(shell.directory, "d", "gnode.log"), "utf8")).toContain(`ERROR ${reason}`);
  });

  it("refuses a certificate that is not there in the words of its file", async () => {
    const shell = new Shell();
    writeFileSync(
      join(shell.directory, "conf.ini"),
      "[tcp_server]\nenableTls = true\ncertFile = server.pem\nkeyFile = server.key\n",
    );
    const refused = shell.program(
      "gnode -config_file=conf.ini -register_addr= -tcp_addr=127.0.0.1:0 -http_addr=127.0.0.1:0",
    );
    expect(await refused.exit).toBe(2);
    expect(refused.text.err).toMatch(/\[tcp_server\] certFile/);
  });
});

describe("gnode with TLS on its ports, from its file", () => {
  it("is listed, serves its certificates, and reads them again on SIGHUP, unless they are worse", async () => {
    const shell = new Shell();
    const { directory } = shell;
    const authority = await Authority.create();
    writeAuthority(directory, authority);
    writeCertificate(directory, await authority.issue());
    const port = "addr = 127.0.0.1:0\nenableTls = true # 同上\ncertFile = broker.pem\nkeyFile = broker-key.pem\n";
    writeFileSync(join(directory, "conf.ini"), `[tcp_server]\n${port}[http_server]\n${port}`);
    const registry = await startRegistry(shell);
    const node = shell.program(`gnode -config_file=conf.ini -register_addr=${registry.url}`);
    await node.said("the node is listed");
    const [{ http_addr = "", tcp_addr = "" } = {}] = await listed(registry.url);
    expect(node.text.out).toContain(`tls://${tcp_addr}`);
    expect(await shell.output(`curl -s --cacert ca.pem https://${http_addr}/ping`)).toBe("OK");
    node.child.kill("SIGHUP");
    await node.said(/(?:the HTTP port speaks TLS.*){2}/s);
    writeFileSync(join(directory, "broker.pem"), "no certificate");
    node.child.kill("SIGHUP");
    await node.said(/SIGHUP: the certificates stay as they are: \[(?:tcp|http)_server\] certFile/);
    expect(await shell.output(`curl -s --cacert ca.pem https://${http_addr}/ping`)).toBe("OK");
    expect(await stop(node)).toBe(0);
  });
});

describe("gregister", () => {
  const HTTPS = "addr = 127.0.0.1:0\nenableTls = true\ncertFile = broker.pem\nkeyFile = broker-key.pem\n";

  it("says in its log what it does with nodes", async () => {
    const shell = new Shell();
    const registry = await startRegistry(shell);
    expect(registry.text.err).toContain(`the registry listens url=${registry.url}`);
    const node = await startNode(shell, `-register_addr=${registry.url}`);
    await registry.said(`a node has registered node=1 tcpAddress=127.0.0.1:${node.tcp}`);
    await shell.output(`curl -s '${registry.url}/editWeight?tcp_addr=127.0.0.1:${node.tcp}&weight=7'`);
    await registry.said(`the weight of a node has been edited tcpAddress=127.0.0.1:${node.tcp} weight=7`);
    expect(await stop(node)).toBe(0);
    await registry.said(`a node has unregistered tcpAddress=127.0.0.1:${node.tcp}`);
  });

  it("says that a file is one for gnode", async () => {
    const shell = new Shell();
    writeFileSync(join(shell.directory, "conf.ini"), "[http_server]\naddr = 127.0.0.1:0\n[tcp_server]\naddr = :1\n");
    const registry = shell.program("gregister -config_file=conf.ini");
    await registry.said("the file is one for gnode");
    expect(registry.text.err).toContain("keys that are not known are ignored file=conf.ini keys=[tcp_server] addr");
  });

  it.skipIf(process.getuid?.() === 0)("refuses a directory that it may not write", async () => {
    const shell = new Shell();
    mkdirSync(join(shell.directory, "list"), { mode: 0o555 });
    const refused = shell.program("gregister -http_addr=127.0.0.1:0 -data_save_path=list");
    expect(await refused.exit).toBe(1);
    expect(refused.text.err).toMatch(/^error: the list cannot be kept in \/.*\/list: EACCES/);
  });

  it("refuses certificates and directories that it cannot use, and says which", async () => {
    const shell = new Shell();
    const { directory } = shell;
    writeFileSync(join(directory, "conf.ini"), `[http_server]\n${HTTPS}`);
    writeFileSync(join(directory, "broker.pem"), "no certificate");
    writeFileSync(join(directory, "broker-key.pem"), "no key");
    const refused = shell.program("gregister -config_file=conf.ini");
    expect(await refused.exit).toBe(2);
    expect(refused.text.err).toMatch(/^error: \[http_server\] certFile must be a certificate in PEM; .*broker\.pem/);
    // A file is where the directory should be.
    const homeless = shell.program("gregister -http_addr=127.0.0.1:0 -data_save_path=broker.pem/list");
    expect(await homeless.exit).toBe(1);
    expect(homeless.text.err).toMatch(/^error: the list cannot be kept in \/.*\/list: ENOTDIR/);
  });
});

describe("gclient", () => {
  /** Any node: what is shown here is what the program says of its answers. */
  const node = sharedBroker();

  it("says what to do when there is no node, or no registry, and exits 1", async () => {
    const shell = new Shell();
    const nowhere = `127.0.0.1:${await freePort()}`;
    for (const [flags, advice] of [
      [`-node_addr=${nowhere}`, `cannot connect to ${nowhere}: connect ECONNREFUSED`],
      [`-node_addr=${nowhere} -cmd=pop_loop`, "Start one with gnode"],
      [`-register_addr=${nowhere} -cmd=push_by_rand`, "Start one with gregister"],
    ]) {
      const refused = shell.program(`gclient ${flags}`);
      expect(await refused.exit).toBe(1);
      expect(refused.text.err).toContain(advice);
    }
  });

  it("carries out each command, with keys and without", { timeout: 60_000 }, async () => {
    const shell = new Shell();
    const { tcp } = node();
    const client = async (flags: string): Promise<string> => {
      const run = shell.program(`gclient -node_addr 127.0.0.1:${tcp} ${flags}`);
      const code = await run.exit;
      const lines = run.text.err.split("\n").map((line) => line.replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /, ""));
      expect(lines.at(-2)).toMatch(/^[\d.]+(?:ms|s) in total\.$/);
      return `${code}: ${lines
        .slice(0, -2)
        .join("; ")
        .replaceAll(/\d{15,}/g, "ID")}`;
    };
    const message = (i: number): string => `rtype:101, result:{"id":"ID","body":"golang_${i}","retry_count":0}`;
    expect(await client("-cmd=push -push_num=2")).toBe("0: rtype:103, msg.id:ID; rtype:103, msg.id:ID");
    expect(await client("-cmd=pop -pop_num=1")).toBe(`0: ${message(0)}`);
    expect(await client("-cmd=pop")).toBe(`0: ${message(1)}`);
    expect(await client("-cmd=pop")).toBe("0: rtype:102, result:no message");
    expect(await client("-cmd=dead")).toBe("0: rtype:102, result:no message");
    expect(await client("-cmd=mpush -push_num=1001")).toBe("0: rtype:103, result:ok; rtype:103, result:ok");
    expect(await client("-cmd=ack -msg_id=5")).toMatch(/^1: rtype:102, result:.*msgId:5 is not exist$/);
    expect(await client("-cmd=delcare -topic=k -bind_key=b")).toBe("0: rtype:103, result:ok");
    expect(await client("-cmd=declare -topic=k -bind_key=b")).toMatch(/^1: rtype:102, result:.*bindKey b has exist\.$/);
    expect(await client("-cmd=mpush -topic=k -route_key=b -push_num=2")).toBe("0: rtype:103, result:[ID,ID]");
    expect(await client("-cmd=push -topic=k -route_key=b -push_num=1 -message=last")).toBe("0: rtype:103, msg.id:ID");
    expect(await client("-cmd=pop -topic=k -bind_key=b -pop_num=3")).toBe(
      `0: ${message(0)}; ${message(1)}; ${message(2).replace("golang_2", "last")}`,
    );
    expect(await client("-cmd=publish -channel=news")).toMatch(/^1: rtype:102, result:.*no subscribers$/);
    const subscriber = shell.program(`gclient -node_addr=127.0.0.1:${tcp} -cmd=subscribe -channel=news`);
    await subscriber.said("rtype:103, result:ok");
    expect(await client("-cmd=publish -channel=news -message=hello")).toBe("0: rtype:103, result:ok");
    await subscriber.said("rtype:104, result:hello");
    subscriber.child.kill("SIGINT");
    expect(await subscriber.exit).toBe(0);
  });

  it("reaches nodes that are listed with a scheme, or without a host", async () => {
    const shell = new Shell();
    const { tcp } = node();
    for (const tcp_addr of [`tcp://127.0.0.1:${tcp}`, `:${tcp}`]) {
      const nodes = [{ id: 1, tcp_addr, http_addr: ":9504", weight: 1, join_time: "" }];
      const registry = createServer((_, response) =>
        response.end(JSON.stringify({ code: 0, data: { nodes }, msg: "" })),
      );
      registry.listen(0, "127.0.0.1");
      await once(registry, "listening");
      onTestFinished(() => {
        registry.close();
        registry.closeAllConnections();
      });
      const { port } = registry.address() as AddressInfo;
      const run = shell.program(`gclient -register_addr=127.0.0.1:${port} -cmd=push_by_avg -topic=t -push_num=1`);
      expect([await run.exit, run.text.err]).toEqual([0, expect.stringMatching(/rtype:103, msg\.id:\d+$/m)]);
    }
  });

  it("pops on when its node was killed and started again", async () => {
    const shell = new Shell();
    const first = await startNode(shell);
    const address = `127.0.0.1:${first.tcp}`;
    const loop = shell.program(`gclient -node_addr=${address} -cmd=pop_loop -topic=t`);
    await loop.said("no message");
    first.child.kill("SIGKILL");
    await loop.said("connecting again");
    const again = shell.program(`gnode -tcp_addr=${address} -http_addr=127.0.0.1:0 -register_addr=`);
    await again.said("ringmq runs");
    expect(await shell.program(`gclient -node_addr=${address} -topic=t -push_num=1`).exit).toBe(0);
    await loop.said('recv msg:{"id":"');
    loop.child.kill("SIGINT");
    expect(await loop.exit).toBe(0);
  });

  it("shows on a terminal how far it is, where lines would be too many", async () => {
    const shell = new Shell();
    const push = (count: number): string => `gclient -node_addr=127.0.0.1:${node().tcp} -topic=t -push_num=${count}`;
    const onTerminal = (line: string): Promise<string> => shell.output(`script -qec '${line}' /dev/null`);
    const long = await onTerminal(push(1001));
    expect(long).toMatch(/pushing \[=+\] 100% \| 1001 of 1001 .* in total\./s);
    expect(long).not.toContain("rtype:103");
    expect((await onTerminal(push(1000))).match(/rtype:103, msg\.id:\d+/g)).toHaveLength(1000);
  });

  it("ends quietly when nobody reads its lines any more", async () => {
    const shell = new Shell();
    const lines = await shell.output(
      `gclient -node_addr=127.0.0.1:${node().tcp} -topic=t -push_num=20000 2>&1 | head -n 1; wait`,
    );
    expect(lines).toMatch(/^\d{4}\/.* rtype:103, msg\.id:\d+\n$/);
  });

  it("gives messages to nodes in turn and by weight, and to those that are left when one goes", {
    timeout: 60_000,
  }, async () => {
    const shell = new Shell();
    const registry = await startRegistry(shell);
    const flags = (id: number, weight: number): string =>
      `-register_addr=${registry.url} -node_id=${id} -node_weight=${weight} -data_save_path=data${id}`;
    const nodes = await Promise.all([startNode(shell, flags(1, 1)), startNode(shell, flags(2, 3))]);
    for (const node of nodes) await node.said("the node is listed");
    const push = async (command: string, count: number): Promise<number[]> => {
      const run = shell.program(`gclient -register_addr=${registry.url} -cmd=${command} -topic=t -push_num=${count}`);
      expect([await run.exit, run.text.err]).toEqual([0, expect.stringContaining("in total")]);
      expect(run.text.err.match(/rtype:103, msg\.id:\d+$/gm)).toHaveLength(count);
      return nodes.map(({ tcp }) => run.text.err.split(`> select node(127.0.0.1:${tcp})`).length - 1);
    };
    expect(await push("push_by_avg", 100)).toEqual([50, 50]);
    expect(await push("push_by_weight", 100)).toEqual([25, 75]);
    expect((await push("push_by_rand", 100)).reduce((sum, count) => sum + count, 0)).toBe(100);
    const popping = shell.program(`gclient -register_addr=${registry.url} -cmd=pop_by_weight -topic=t`);
    await popping.said(/(?:rtype:101.*){10}/s);
    popping.child.kill("SIGINT");
    expect(await popping.exit).toBe(0);
    // Listed for a few seconds yet.
    nodes[1]?.child.kill("SIGKILL");
    await nodes[1]?.exit;
    expect(await push("push_by_avg", 100)).toEqual([100, 0]);
  });
});

describe("gregister with TLS, from its file", () => {
  it("reads its certificate again on SIGHUP, unless it is worse, and refuses one that has another key", async () => {
    const shell = new Shell();
    const { directory } = shell;
    const authority = await Authority.create();
    writeAuthority(directory, authority);
    writeCertificate(directory, await authority.issue());
    const section =
      "[http_server]\naddr = 127.0.0.1:0\nenableTls = true\ncertFile = broker.pem\nkeyFile = broker-key.pem\n";
    writeFileSync(join(directory, "conf.ini"), section);
    const registry = shell.program("gregister -config_file=conf.ini");
    const url = await registry.said(/https:\/\/[\d.]+:\d+/);
    const subject = async () => {
      const socket = connectTls({ host: "127.0.0.1", port: Number(new URL(url).port), ca: authority.cert });
      await once(socket, "secureConnect");
      const name = socket.getPeerCertificate().subject.CN;
      socket.destroy();
      return name;
    };
    expect(await subject()).toBe("test");
    writeCertificate(directory, await authority.issue({ commonName: "renewed" }));
    registry.child.kill("SIGHUP");
    await registry.said(/(?:the HTTP port speaks TLS.*){2}/s);
    expect(await subject()).toBe("renewed");
    writeFileSync(join(directory, "broker.pem"), "no certificate");
    registry.child.kill("SIGHUP");
    await registry.said(/SIGHUP: the certificate stays as it is: \[http_server\] certFile/);
    expect(await shell.output(`curl -s -k ${url}/ping`)).toBe("OK");
    expect(await stop(registry)).toBe(0);
    const refused = shell.program("gregister -config_file=conf.ini");
    expect(await refused.exit).toBe(2);
    expect(refused.text.err).toMatch(/^error: \[http_server\] certFile must be /);
  });
});
