import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { describe, expect, it, onTestFinished } from "vitest";
import { addSettings, configurationSource } from "../../../src/cli/configuration/command.js";
import type { Configuration } from "../../../src/cli/configuration/configuration.js";
import { effectiveText } from "../../../src/cli/configuration/effective.js";
import { SETTINGS } from "../../../src/cli/configuration/settings.js";
import { readConfigurationText } from "../../../src/cli/configuration-text.js";
import { resolveOptions } from "../../../src/main/options.js";
import { makeDirectory, removeDirectory } from "../../directories.js";

const fileWith = (text: string): string => {
  const directory = makeDirectory();
  onTestFinished(() => removeDirectory(directory));
  const path = join(directory, "ringmq.toml");
  writeFileSync(path, text);
  return path;
};

interface Told {
  readonly file?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
}

const configurationOf = async ({ file, env = {}, flags = [] }: Told): Promise<Configuration> => {
  Object.assign(process.env, env);
  try {
    const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
    addSettings(command);
    command.parse(flags, { from: "user" });
    const read = await configurationSource(command, file === undefined ? undefined : fileWith(file));
    return read();
  } finally {
    for (const name of Object.keys(env)) delete process.env[name];
  }
};

/** All that is wrong, without the directory of the file. */
const faultsOf = async (told: Told): Promise<string[]> => {
  const error: unknown = await configurationOf(told).catch((reason: unknown) => reason);
  return String((error as Error).message)
    .split("\n")
    .map((line) => line.replaceAll(/\S*\/(?=ringmq\.toml)/g, ""));
};

describe("settings", () => {
  it("have names, flags, variables and keys of their own", () => {
    for (const of of ["name", "flag", "variable"] as const) {
      expect(new Set(SETTINGS.map((setting) => setting[of])).size).toBe(SETTINGS.length);
    }
    expect(new Set(SETTINGS.map(({ section, key }) => `${section}.${key}`)).size).toBe(SETTINGS.length);
  });

  it("are all options of a broker, but for those of the log and of the files of TLS", () => {
    const options = Object.keys(resolveOptions());
    const others = SETTINGS.map(({ name }) => name).filter((name) => !options.includes(name));
    expect(others.every((name) => /^(?:log|tls)[A-Z]/.test(name))).toBe(true);
  });

  it("are written as they are read", () => {
    for (const { kind, fallback } of SETTINGS) {
      const isWords = fallback === "" || /^(?:all|no limit)$| /.test(fallback);
      if (!isWords) expect(String(kind.write(kind.parse(fallback)))).toBe(fallback);
    }
  });
});

describe("a configuration", () => {
  it("is of flags, then of variables, then of the file, then of defaults", async () => {
    const { options, given, resolved, log } = await configurationOf({
      file: '[topics]\nttr = "3s"\nretries = 3\ntopicIdle = "3m"\n[log]\nlevel = "warn"',
      env: { RINGMQ_TTR: "2s", RINGMQ_RETRIES: "2", RINGMQ_LOG_FORMAT: "json" },
      flags: ["--ttr", "1s"],
    });
    expect(options).toEqual({ ttr: 1_000, retries: 2, topicIdle: 180_000 });
    expect([...given].map(([name, { source }]) => `${name}: ${source}`).sort()).toEqual([
      "logFormat: environment",
      "logLevel: file",
      "retries: environment",
      "topicIdle: file",
      "ttr: flag",
    ]);
    expect(resolved.history).toBe(1_000);
    expect(log).toEqual({ level: "warn", format: "json", file: undefined });
  });

  it("takes values as flags have them, and as numbers, switches and lists", async () => {
    const { options } = await configurationOf({
      file: `
        listen = { tcp = 9600, http = ":9700", grpc = "off", allowOrigin = ["https://a.example", "*"], allowHost = [] }
        journal = { segmentBytes = 1048576, diskReserve = "1.5mb" }
        tls = { selfSigned = true, ports = ["tcp"] }
        channels = { persist = true, keepAge = 5000, keepMessages = "12" }
      `,
    });
    expect(options).toEqual({
      tcp: { host: "127.0.0.1", port: 9600 },
      http: { host: "::", port: 9700 },
      grpc: "off",
      allowOrigin: ["https://a.example", "*"],
      allowHost: [],
      segmentBytes: 1048576,
      diskReserve: 1572864,
      tcpTls: "self-signed",
      persist: true,
      keepAge: 5000,
      keepMessages: 12,
    });
  });

  it("has a switch that a variable turns off again", async () => {
    const file = "[listen]\nallowBackup = true";
    expect((await configurationOf({ file })).options).toEqual({ allowBackup: true });
    const off = await configurationOf({ file, env: { RINGMQ_ALLOW_BACKUP: "0" } });
    expect(off.options).toEqual({ allowBackup: false });
    const on = await configurationOf({ env: { RINGMQ_ALLOW_BACKUP: "TRUE" } });
    expect(on.options).toEqual({ allowBackup: true });
    const flag = await configurationOf({ env: { RINGMQ_ALLOW_BACKUP: "false" }, flags: ["--allow-backup"] });
    expect(flag.options).toEqual({ allowBackup: true });
    // What is on unless it is switched off.
    expect((await configurationOf({})).resolved.console).toBe(true);
    for (const given of [
      { flags: ["--no-console"] },
      { env: { RINGMQ_CONSOLE: "0" } },
      { file: "[listen]\nconsole = false" },
      { file: "[listen]\nconsole = true", env: { RINGMQ_CONSOLE: "true" }, flags: ["--no-console"] },
    ]) {
      expect((await configurationOf(given)).options).toEqual({ console: false });
    }
    const switchedOn = await configurationOf({ file: "[listen]\nconsole = false", env: { RINGMQ_CONSOLE: "1" } });
    expect(switchedOn.options).toEqual({ console: true });
  });

  it("is written as a file that makes the same one", async () => {
    const told: Told = {
      file: '[tls]\ncert = "a \\"quoted\\" name.pem"\nkey = "k.pem"\nports = ["http"]\n[log]\nfile = "x.log"',
      env: { RINGMQ_ALLOW_HOST: "a.example,b.example" },
      flags: ["--memory", "64mb", "--tcp", "[::1]:0", "--keep-age", "90m"],
    };
    const one = await configurationOf(told);
    const text = effectiveText(one);
    expect(text).toMatch(/^memory = "64mb" +# flag$/m);
    const other = await configurationOf({ file: text });
    expect(other.resolved).toEqual(one.resolved);
    expect(other.log).toEqual(one.log);
  });
});

describe("users", () => {
  const file = `
    [listen]
    gmqIdentity = "old"
    [[users]]
    name = "billing"
    tokens = [ { hash = "sha256:${"ab".repeat(32)}", expires = 2027-01-01T00:00:00Z } ]
    permissions = [ { topics = "orders.*", allow = ["publish"] } ]
    limits = { publishBytes = "1mb" }
    [[users]]
    name = "old"
    certificate = "CN=old"
    permissions = []
  `;

  it("are the broker's, and shown without their tokens", async () => {
    const { options, resolved } = await configurationOf({ file });
    expect(options.users?.map(({ name }) => name)).toEqual(["billing", "old"]);
    expect(resolved.gmqIdentity).toBe("old");
    const text = effectiveText(await configurationOf({ file }));
    expect(text).not.toContain("abab");
    expect(text).toMatch(/^# tokens = 1, which are not shown$/m);
    const again = await configurationOf({ file: text });
    expect(again.resolved.users).toEqual(resolved.users.map(({ tokens, ...user }) => user));
  });

  it("are told of with the rest that is wrong", async () => {
    const wrong = `${file}[[users]]\nname = "old"\npermissions = []\n[topics]\nttr = 0`;
    expect(await faultsOf({ file: wrong })).toEqual([
      "ringmq.toml: [[users]] old has the same name as [[users]] old",
      "ringmq.toml: [topics] ttr must be at least 1ms; it is 0ms",
    ]);
    expect(await faultsOf({ env: { RINGMQ_GMQ_IDENTITY: "nobody" } })).toEqual([
      expect.stringMatching(/^RINGMQ_GMQ_IDENTITY must be the name of one of the users/),
    ]);
  });
});

describe("what is wrong with a configuration", () => {
  it("is said at once, with its place and what was meant", async () => {
    const file = `
      tcp = 5
      [listen]
      tcp = 70000
      htpp = "off"
      maxConnections = 4
      allowHost = "a,,b"
      allowOrigin = [1]
      [limit]
      [[log]]
      level = "debug"
      [limits]
      maxConnections = 0
      maxTopics = -1
      maxMessageBytes = "9zb"
      helloTimeout = 0
      [journal]
      data = 7
      durability = "memry"
      [colours]
      [tls]
      cert = "a.pem"
    `;
    expect(await faultsOf({ file })).toEqual([
      "ringmq.toml: tcp belongs below [listen]",
      "ringmq.toml: [listen] tcp = 70000: It must be host:port, [IPv6]:port, :port (all interfaces), port (this machine) or off, with a port up to 65535.",
      "ringmq.toml: [listen] htpp: there is no such key (did you mean http?)",
      "ringmq.toml: [listen] maxConnections: there is no such key; it is [limits] maxConnections",
      'ringmq.toml: [listen] allowHost = "a,,b": It must be a name, or several with commas between them.',
      'ringmq.toml: [listen] allowOrigin = [1]: It must be a list of texts, such as ["a", "b"].',
      "ringmq.toml: there is no section limit (did you mean limits?)",
      "ringmq.toml: log must be a section: [log], with its keys below",
      "ringmq.toml: [limits] maxTopics = -1: It must be a whole number, such as 1024.",
      'ringmq.toml: [limits] maxMessageBytes = "9zb": It must be a size, such as 256mb, 64kb or 1048576 (bytes).',
      "ringmq.toml: [journal] data = 7: It must be a text.",
      'ringmq.toml: [journal] durability = "memry": Allowed choices are fsync, write, memory.',
      "ringmq.toml: there is no section colours; there are listen, tls, journal, broker, limits, topics, channels, log, users",
      "ringmq.toml: [tls] cert needs [tls] key, the file with the certificate's private key",
      "ringmq.toml: [limits] maxConnections must be from 1 to 1048576; it is 0",
      "ringmq.toml: [limits] helloTimeout must be at least 1ms; it is 0ms",
    ]);
  });

  it("is named as it was given", async () => {
    expect(await faultsOf({ env: { RINGMQ_MAX_TOPICS: "0" } })).toEqual([
      "RINGMQ_MAX_TOPICS must be from 1 to 16777216; it is 0",
    ]);
    expect(await faultsOf({ flags: ["--ring-bytes", "65537"] })).toEqual([
      "--ring-bytes must be a power of two; it is 65537",
    ]);
    // The key is in the environment, and the authority nowhere.
    const told = { file: '[tls]\nclientCa = "ca.pem"\nselfSigned = true', env: { RINGMQ_TLS_KEY: "k.pem" } };
    expect(await faultsOf(told)).toEqual([
      "ringmq.toml: [tls] selfSigned makes a certificate: leave it out, or [tls] cert and RINGMQ_TLS_KEY",
    ]);
    expect(await faultsOf({ file: '[listen]\ntcp = "off"', flags: ["--http", "off"] })).toEqual([
      "ringmq.toml: [listen] tcp off and --http off leave no way in: give one of them an address, or [listen] grpc",
    ]);
  });

  it("is where in the file, if it is no TOML, or why there is no file", async () => {
    expect(await faultsOf({ file: "[listen]\ntcp = 1\n[tls" })).toEqual([
      expect.stringMatching(/^ringmq\.toml:3:\d+: it is no TOML: /),
    ]);
    expect(await faultsOf({ file: "[listen]\ntcp = 1\ntcp = 2" })).toEqual([
      expect.stringMatching(/^ringmq\.toml:3:\d+: it is no TOML: /),
    ]);
    expect(await faultsOf({ file: `# ${"x".repeat(2 ** 20)}` })).toEqual([
      "the configuration file ringmq.toml is larger than 1 MiB: it is something else",
    ]);
    const deep = `[listen]\ntcp = ${"[".repeat(5_000)}${"]".repeat(5_000)}`;
    expect(await faultsOf({ file: deep })).toEqual([expect.stringContaining("it is no TOML")]);
  });

  it("is at once that it is no file, of a pipe that nobody writes to, and of what has no end", () => {
    const pipe = join(fileWith(""), "..", "pipe");
    execFileSync("mkfifo", [pipe]);
    for (const path of [pipe, "/dev/zero"]) {
      expect(() => readConfigurationText(path)).toThrow(`${path} cannot be read: it is not a regular file`);
    }
    expect(() => readConfigurationText(join(pipe, ".."))).toThrow("cannot be read: it is a directory");
  });
});
