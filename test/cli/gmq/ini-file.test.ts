import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { GNODE_KEYS, gnodeSettings } from "../../../src/cli/gmq/gnode-settings.js";
import { IniFile } from "../../../src/cli/gmq/ini-file.js";
import { Settings } from "../../../src/cli/gmq/settings.js";
import { makeDirectory, removeDirectory } from "../../directories.js";

const testDirectory = (): string => {
  const directory = makeDirectory();
  onTestFinished(() => removeDirectory(directory));
  return directory;
};

const read = (text: string, warnings: object[] = []): IniFile => {
  const path = join(testDirectory(), "conf.ini");
  writeFileSync(path, text);
  return IniFile.read(path, GNODE_KEYS, (fields) => warnings.push(fields));
};

const settingsOf = (text: string, flags: Record<string, unknown> = {}) =>
  gnodeSettings(new Settings(flags, read(text)));

describe("a configuration file of gmq", () => {
  it("has comments after # and ; on lines of their own and behind values", () => {
    const file = read(
      "# 节点\n[node]\nid = 7   # 节点唯一id,范围为0到1023\n; more\nweight=3 ; 权重\nmsgTTR = 60\t#超时时间\n",
    );
    expect(["id", "weight", "msgTTR", "msgMaxRetry"].map((key) => file.get("node", key))).toEqual([
      "7",
      "3",
      "60",
      undefined,
    ]);
  });

  it("may have Windows line ends, a byte order mark, and capital letters where it likes", () => {
    const file = read("\uFEFF[Node]\r\nID = 7 # seven\r\nmsgttr = 9\r\n");
    expect([file.get("node", "id"), file.get("node", "msgTTR")]).toEqual(["7", "9"]);
  });

  it("is taken though there is something in it that nobody knows, and that is said", () => {
    const warnings: object[] = [];
    const file = read("top = 1\n[node]\nid = 7\nbgsave = 3-5\n[redis]\nport = 6379\n", warnings);
    expect(file.get("node", "id")).toBe("7");
    expect(warnings).toMatchObject([{ keys: "top, [node] bgsave, [redis] port" }]);
  });

  it("with a section that does not end is an error, for its keys would go unheard", () => {
    expect(() => read("[node\nid = 7\n")).toThrow(/conf\.ini: \[node must end with \]/);
  });

  it("that is not there, or is something else, is an error that names it", () => {
    const missing = join(testDirectory(), "nope.ini");
    expect(() => IniFile.read(missing, GNODE_KEYS, () => {})).toThrow(
      `${missing} cannot be read: there is no such file`,
    );
    expect(() => read("x".repeat(1024 * 1024 + 1))).toThrow("larger than 1 MiB");
  });

  it("with a wrong value is an error that names file, section and key", () => {
    expect(() => settingsOf("[node]\nid = 1025\n")).toThrow(
      /conf\.ini: \[node\] id = 1025: It must be a whole number from 0 to 1024/,
    );
    expect(() => settingsOf("[tcp_server]\naddr = off\n")).toThrow(/\[tcp_server\] addr = off/);
    expect(() => settingsOf("[gregister]\naddr = ftp://x:1\n")).toThrow(/\[gregister\] addr/);
  });
});

describe("the settings of gnode", () => {
  it("are gmq's where nothing is said", () => {
    expect(gnodeSettings(new Settings({}, undefined))).toEqual({
      broker: {
        tcp: { host: "127.0.0.1", port: 9503 },
        http: { host: "127.0.0.1", port: 9504 },
        node: 1,
        console: true,
        openapi: true,
        trace: false,
        data: join("data", "gnode", "ringmq"),
      },
      directory: join("data", "gnode"),
      registries: ["http://127.0.0.1:9595"],
      etcd: [],
      reportTcp: { host: "127.0.0.1", port: 9503 },
      reportHttp: { host: "127.0.0.1", port: 9504 },
      id: 1,
      weight: 1,
    });
  });

  it("are the file's, and a flag beats it", () => {
    const text =
      "[node]\nid = 2\nweight = 3\nmsgTTR = 30\nmsgMaxRetry = 2\nreportTcpaddr = 10.0.0.1:1\n[tcp_server]\naddr = :9603\n";
    const settings = settingsOf(text, { node_weight: 9, data_save_path: "d", msg_max_retry: 4 });
    expect(settings).toMatchObject({ id: 2, weight: 9, directory: "d", reportTcp: { host: "10.0.0.1", port: 1 } });
    expect(settings.broker).toMatchObject({ node: 2, ttr: 30_000, retries: 4, tcp: { host: "::", port: 9603 } });
  });

  it("take a number of 0 for the default, as gmq does", () => {
    const { id, weight, broker } = settingsOf("[node]\nid = 0\nweight = 0\nmsgTTR = 0\nmsgMaxRetry = 0\n");
    expect([id, weight, broker.ttr, broker.retries]).toEqual([1, 1, undefined, undefined]);
  });

  it("have no registry where the flag is empty or an etcd is named, unless a registry is named as well", () => {
    const file = "[gregister]\naddr = 10.0.0.1:9595, http://10.0.0.2:9595/\n";
    const both = ["http://10.0.0.1:9595", "http://10.0.0.2:9595"];
    expect(settingsOf(file).registries).toEqual(both);
    expect(settingsOf(file, { register_addr: "" }).registries).toEqual([]);
    const etcd = ["http://127.0.0.1:2379"];
    expect(gnodeSettings(new Settings({ etcd_endpoints: etcd }, undefined))).toMatchObject({ registries: [], etcd });
    expect(settingsOf(file, { etcd_endpoints: etcd })).toMatchObject({ registries: both, etcd });
  });
});

it("switches what a broker has on and off, by the file and by flags, which beat it", () => {
  const switches = (text: string, flags = {}): unknown => {
    const { console, openapi, trace } = settingsOf(text, flags).broker;
    return [console, openapi, trace];
  };
  const file = "[node]\nconsole = false\ntrace = true\n";
  expect(switches("")).toEqual([true, true, false]);
  expect(switches(file)).toEqual([false, true, true]);
  expect(switches(file, { no_console: false, no_openapi: true, trace: false })).toEqual([true, false, false]);
});
