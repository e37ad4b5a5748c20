/** The page on migrating from gmq: its commands in their order, its configuration files and its table. A gnode plays gmq's. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import { GNODE_FLAGS, GNODE_KEYS, gnodeSettings } from "../../src/cli/gmq/gnode-settings.js";
import { GREGISTER_KEYS, gregisterSettings } from "../../src/cli/gmq/gregister-settings.js";
import { IniFile } from "../../src/cli/gmq/ini-file.js";
import { Settings } from "../../src/cli/gmq/settings.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { cell, ROOT, readDocument, section, tableRows } from "../project/document.js";
import { Shell, withFreePorts } from "./shell.js";

const PAGES = ["docs/migrating-from-gmq.md", "docs/migrating-from-gmq.zh.md"] as const;
const [ENGLISH, CHINESE] = PAGES;

interface Block {
  readonly language: string;
  readonly code: string;
}

const blocksOf = (page: string): Block[] =>
  [...readDocument(page).matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = "", code = ""]) => ({
    language,
    code,
  }));

it("each command of the page works as written, in its order", { timeout: 60_000 }, async () => {
  const blocks = blocksOf(ENGLISH).filter(({ language }) => language !== "");
  const port = await withFreePorts([9503, 9504, 9595, 9603, 9604]);
  const next = (language: string): string => {
    const block = blocks.shift();
    expect(block?.language).toBe(language);
    return port(block?.code.trim() ?? "");
  };
  const shell = new Shell();
  const json = async (line: string) => JSON.parse(await shell.output(line));
  const client = async (): Promise<string> => {
    const args = ["--input-type=module", "-e", next("js")];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, timeout: 20_000 });
    return stdout;
  };

  writeFileSync(join(shell.directory, "conf.ini"), next("ini"));
  writeFileSync(join(shell.directory, "gregister.ini"), next("ini"));
  const registry = shell.program("gregister -config_file=gregister.ini");
  await registry.said("the registry listens");
  expect(registry.text.err).not.toContain("WARN");
  // gmq's node registers once, and does not look whether it is still listed.
  const old = shell.program("gnode -config_file=conf.ini -register_addr=");
  await old.said(port("tcp://127.0.0.1:9503"));
  expect(old.text.err).not.toContain("WARN");
  const address = "tcp_addr=127.0.0.1:9503&http_addr=127.0.0.1:9504";
  await json(port(`curl -s 'http://127.0.0.1:9595/register?${address}&weight=1&node_id=1'`));
  const push = `gclient -node_addr=127.0.0.1:9503 -cmd=push -topic=orders -push_num=3`;
  expect(await shell.program(port(push)).exit).toBe(0);

  // Beside the old one.
  const beside = shell.program(next("sh"));
  await beside.said(port("tcp://127.0.0.1:9603"));
  const [hello, pop] = next("sh").split("\n");
  expect(await json(hello ?? "")).toMatchObject({ code: 0 });
  const popped = shell.program(pop ?? "");
  expect(await popped.exit).toBe(0);
  expect(popped.text.err).toMatch(/rtype:101, result:\{"id":"\d+","body":"hello","retry_count":0\}/);
  expect(await json(next("sh"))).toMatchObject({ code: 0 });

  // Producers.
  const [register, unregister, list] = next("sh").split("\n");
  expect(await json(register ?? "")).toMatchObject({ code: 0 });
  expect(await json(unregister ?? "")).toMatchObject({ code: 0 });
  expect((await json(list ?? "")).data.nodes).toMatchObject([{ id: 2, tcp_addr: port("127.0.0.1:9603") }]);

  // The old queue.
  const statistics = next("sh");
  const [before] = (await json(statistics)).data;
  expect(before).toMatchObject({ name: "orders", queue_msg_num: 3, delay_num: 0, wait_ack_num: 0, dead_num: 0 });
  writeFileSync(join(shell.directory, "drain.mjs"), next("js"));
  expect(await shell.output(next("sh"))).toBe("3 moved; no message\n");
  const [after] = (await json(statistics)).data;
  expect(after).toMatchObject({ queue_msg_num: 0, wait_ack_num: 0 });

  // In its place.
  for (const { child } of [old, beside]) child.kill("SIGTERM");
  expect([await old.exit, await beside.exit]).toEqual([0, 0]);
  const node = shell.program(next("sh"));
  await node.said("the node is listed");
  expect(await json(next("sh"))).toMatchObject({ code: 0 });
  expect((await json(list ?? "")).data.nodes).toMatchObject([{ id: 1, tcp_addr: port("127.0.0.1:9503") }]);

  // What one gains.
  const [backup, verify] = next("sh").split("\n");
  expect(await shell.output(backup ?? "")).toContain("backed up");
  expect(await shell.output(verify ?? "")).toContain("whole");
  const consumed = await client();
  expect(consumed).toMatch(/^\d+ is confirmed at fsync\n/);
  expect(consumed).toMatch(/: golang_0\n.*: golang_1\n.*: golang_2\n.*: from the native client\n$/);
  expect(await client()).toBe("to one of the nodes\n");
  expect(blocks).toEqual([]);
});

it("the Chinese page has the same commands, files and flags", () => {
  const withoutComments = ({ language, code }: Block): Block => ({
    language,
    code: language === "ini" ? code.replaceAll(/ *;.*/g, "").replaceAll(/ +/g, " ") : code,
  });
  expect(blocksOf(CHINESE).map(withoutComments)).toEqual(blocksOf(ENGLISH).map(withoutComments));
});

const readIni = (text: string, keys: typeof GNODE_KEYS): Settings => {
  const directory = makeDirectory();
  onTestFinished(() => removeDirectory(directory));
  const path = join(directory, "conf.ini");
  writeFileSync(path, text);
  const file = IniFile.read(path, keys, (fields) => expect(fields).toBeUndefined());
  return new Settings({}, file);
};

it.each(PAGES)("%s: the files have every key, with its default", (page) => {
  const [node = "", registry = ""] = blocksOf(page).flatMap(({ language, code }) => (language === "ini" ? [code] : []));
  const none = new Settings({}, undefined);
  const { broker, ...rest } = gnodeSettings(none);
  const defaults = { ...rest, broker: { ...broker, ttr: 60_000, retries: 5 } };
  expect(gnodeSettings(readIni(node, GNODE_KEYS))).toEqual(defaults);
  expect(gregisterSettings(readIni(registry, GREGISTER_KEYS))).toEqual(gregisterSettings(none));
  for (const [text, sections] of [
    [node, GNODE_KEYS],
    [registry, GREGISTER_KEYS],
  ] as const) {
    for (const [name, keys] of Object.entries(sections)) {
      const lines = text.split(/^\[/m).find((part) => part.startsWith(`${name}]`)) ?? "";
      // The weight of a port was never read, by gmq neither.
      for (const key of keys.filter((each) => each !== "weight" || name === "node"))
        expect(lines).toMatch(`\n${key} =`);
    }
  }
});

it.each([
  [ENGLISH, "Configuration", "flag of gnode", "key of the file"],
  [CHINESE, "配置", "gnode 命令行参数", "配置文件"],
] as const)("%s: the table has every flag and key of gnode", (page, heading, flagColumn, keyColumn) => {
  const rows = tableRows(section(readDocument(page), heading));
  const flags = GNODE_FLAGS.flatMap((group) => group.flags.map(({ name }) => `-${name}`));
  expect(rows.map((row) => cell(row, flagColumn)).filter((flag) => flag !== "")).toHaveLength(flags.length);
  expect(new Set(rows.map((row) => cell(row, flagColumn)))).toEqual(new Set([...flags, ""]));
  const keys = rows.map((row) => cell(row, keyColumn)).join("\n");
  for (const key of Object.values(GNODE_KEYS).flat()) expect(keys).toContain(key);
});
