/** deploy/: the image, the compose file, the unit and the manifests name programs, flags, settings, paths and ports that there are. */
import { execFile } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { posix } from "node:path";
import { promisify } from "node:util";
import { startBroker } from "ringmq";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { SETTINGS } from "../../src/cli/configuration/settings.js";
import { GCLIENT_FLAGS } from "../../src/cli/gmq/gclient-settings.js";
import { GNODE_FLAGS } from "../../src/cli/gmq/gnode-settings.js";
import { GREGISTER_FLAGS } from "../../src/cli/gmq/gregister-settings.js";
import { GWEB_FLAGS } from "../../src/cli/gmq/gweb-settings.js";
import type { FlagGroup } from "../../src/cli/go-flags.js";
import { resolveOptions } from "../../src/main/options.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { ROOT, readDocument } from "./document.js";

const run = promisify(execFile);

const { bin, version }: { bin: Record<string, string>; version: string } = JSON.parse(readDocument("package.json"));
const { tcp, http, closeTimeout, maxConnections } = resolveOptions();
const TCP_PORT = typeof tcp === "object" ? tcp.port : 0;
const HTTP_PORT = typeof http === "object" ? http.port : 0;
const CONSOLE_PORT = Number(/default: :(\d+)/.exec(JSON.stringify(GWEB_FLAGS))?.[1]);
const REGISTRY_PORT = Number(/default: 127\.0\.0\.1:(\d+)/.exec(JSON.stringify(GREGISTER_FLAGS))?.[1]);

/** Milliseconds that a broker takes to stop, at most: a second for its clients to go comes before the rest. */
const STOP = closeTimeout + 1_000;

const namesOf = (groups: readonly FlagGroup[]): string[] =>
  groups.flatMap(({ flags }) => flags.map(({ name }) => name));

const FLAGS = new Map<string, readonly string[]>([
  ["gnode", namesOf(GNODE_FLAGS)],
  ["gregister", namesOf(GREGISTER_FLAGS)],
  ["gweb", namesOf(GWEB_FLAGS)],
  ["gclient", namesOf(GCLIENT_FLAGS)],
  ["ringmq", ["config", ...SETTINGS.map(({ flag }) => flag.slice("--".length))]],
]);

/** What is wrong with a command line: of one of the programs, which each have their flags. */
const faultsOf = ([program = "", ...args]: readonly string[]): string[] => {
  const flags = FLAGS.get(program);
  if (flags === undefined || bin[program] === undefined) return [`there is no program ${program}`];
  const given = args.flatMap((arg) => /^--?([\w-]+)/.exec(arg)?.[1] ?? []);
  return given.filter((flag) => !flags.includes(flag)).map((flag) => `${program} has no ${flag}`);
};

/** The configuration as `ringmq check-config` shows it, by section and key. It has to be without a fault or a note. */
const checked = async (file: string, env: Record<string, string> = {}): Promise<Map<string, string>> => {
  const { PATH = "" } = process.env;
  const { stdout, stderr } = await run(process.execPath, ["dist/cli/ringmq.js", "check-config", file], {
    cwd: ROOT,
    env: { PATH, ...env },
  });
  expect(stderr).toBe("");
  return new Map(
    stdout.split(/^\[(?=\w)/m).flatMap((section) => {
      const name = section.slice(0, section.indexOf("]"));
      return [...section.matchAll(/^(\w+) = "?([^"#\n]*?)"? +#/gm)].map(
        ([, key, value = ""]) => [`${name}.${key}`, value] as const,
      );
    }),
  );
};

const isBelow = (directory: string | undefined, path: string | undefined): boolean =>
  path?.startsWith(`${directory}/`) === true;

/** Instructions of the Dockerfile, each in a line. */
const instructions = readDocument("deploy/docker/Dockerfile")
  .replaceAll(/^#.*\n/gm, "")
  .replaceAll(/\s*\\\n\s*/g, " ")
  .split("\n")
  .filter((line) => line !== "");

/** What stands behind the last instruction of this name. */
const last = (name: string): string => {
  const line = instructions.findLast((each) => each.startsWith(`${name} `));
  return line?.slice(name.length + 1) ?? "";
};

describe("deploy/docker/Dockerfile", () => {
  it("has the programs that gmq's image has, and their own", () => {
    const [, programs = ""] = /for program in ([\w ]+);/.exec(instructions.join("\n")) ?? [];
    expect(programs.split(" ")).toEqual(expect.arrayContaining(["ringmq", "gnode", "gregister", "gweb", "gclient"]));
    for (const program of programs.split(" ")) expect(bin[program]).toBe(`./dist/cli/${program}.js`);
  });

  it("copies what is there, and is let through", () => {
    const allowed = readDocument(".dockerignore").match(/(?<=^!).*/gm) ?? [];
    for (const path of allowed) expect([path, existsSync(ROOT + path)]).toEqual([path, true]);
    const copied = instructions
      .flatMap((line) => /^COPY (?!--from)(.*) \S+$/.exec(line)?.[1]?.split(" ") ?? [])
      .filter((path) => path !== ".");
    expect(copied.length).toBeGreaterThan(5);
    for (const path of copied) {
      expect([path, existsSync(ROOT + path)]).toEqual([path, true]);
      expect([path, allowed.some((each) => path === each || isBelow(each, path))]).toEqual([path, true]);
    }
  });

  it("runs the broker as somebody else than root, with its data in the volume, on the ports that it exposes", async () => {
    expect(last("USER")).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(last("EXPOSE").split(" ").map(Number)).toEqual([TCP_PORT, HTTP_PORT, REGISTRY_PORT, CONSOLE_PORT]);
    expect(last("WORKDIR")).toBe(last("VOLUME"));
    expect(faultsOf(JSON.parse(last("CMD")))).toEqual([]);
    const [, file = ""] = /RINGMQ_CONFIG=(\S+)/.exec(last("ENV")) ?? [];
    expect(instructions).toContain(`COPY deploy/docker/ringmq.toml ${file}`);
    const configuration = await checked("deploy/docker/ringmq.toml");
    expect(isBelow(last("VOLUME"), configuration.get("journal.data"))).toBe(true);
    expect(configuration.get("listen.tcp")).toBe(`[::]:${TCP_PORT}`);
    expect(configuration.get("listen.http")).toBe(`[::]:${HTTP_PORT}`);
  });

  it("is healthy when the program answers", async () => {
    const [, script = ""] = JSON.parse(last("HEALTHCHECK").replace(/.* CMD /, ""));
    expect(instructions).toContain(`COPY deploy/docker/healthcheck.mjs ${script}`);
    const text = readDocument("deploy/docker/healthcheck.mjs");
    expect(text).toContain(`[${HTTP_PORT}, ${REGISTRY_PORT}, ${CONSOLE_PORT}]`);
    const check = (...urls: string[]) =>
      run(process.execPath, ["deploy/docker/healthcheck.mjs", ...urls], { cwd: ROOT }).then(
        () => true,
        () => false,
      );
    const broker = await startBroker({
      tcp: "off",
      http: { host: "127.0.0.1", port: 0 },
      durability: "memory",
      shards: 1,
    });
    onTestFinished(() => broker.close());
    const url = `http://127.0.0.1:${broker.addresses.http?.port}`;
    expect(await Promise.all([check(`${url}/ping`), check("http://127.0.0.1:1/", `${url}/readyz`)])).toEqual([
      true,
      true,
    ]);
    expect(await Promise.all([check(`${url}/nothing`), check("http://127.0.0.1:1/")])).toEqual([false, false]);
  });
});

/** Milliseconds: `15s`. */
const milliseconds = (text: string): number => Number(/^(\d+)s$/.exec(text)?.[1]) * 1_000;

it("deploy/docker/compose.yaml runs programs as they can be run, on ports that it publishes, and lets them stop", () => {
  interface Service {
    readonly image: string;
    readonly build: { readonly context: string; readonly dockerfile: string };
    readonly command: readonly string[];
    readonly ports: readonly string[];
    /** Undefined: it writes nothing. */
    readonly volumes?: readonly string[];
    readonly stop_grace_period: string;
    readonly depends_on?: Readonly<Record<string, unknown>>;
    readonly healthcheck: { readonly test: readonly string[] };
  }
  const file: { services: Record<string, Service>; volumes: Record<string, unknown> } = parse(
    readDocument("deploy/docker/compose.yaml"),
    { merge: true },
  );
  expect(Object.keys(file.services)).toEqual(["registry", "node", "console"]);
  const ports = new Map(Object.entries(file.services).map(([name, service]) => [name, portsOf(service.ports)]));
  expect([...ports.values()]).toEqual([[REGISTRY_PORT], [TCP_PORT, HTTP_PORT], [CONSOLE_PORT]]);
  for (const [name, { command, volumes, stop_grace_period, build, healthcheck, ...rest }] of Object.entries(
    file.services,
  )) {
    expect(faultsOf(command)).toEqual([]);
    expect(existsSync(posix.join(ROOT, "deploy/docker", build.context, build.dockerfile))).toBe(true);
    expect(milliseconds(stop_grace_period)).toBeGreaterThan(STOP);
    for (const other of Object.keys(rest.depends_on ?? {})) expect(file.services).toHaveProperty(other);
    const [volume = "", mounted] = volumes?.[0]?.split(":") ?? [];
    if (volumes !== undefined) expect([Object.hasOwn(file.volumes, volume), mounted]).toEqual([true, last("VOLUME")]);
    // What it listens on is published, and what it names is a service that listens there.
    const named = [...command, ...healthcheck.test].flatMap((each) => [...each.matchAll(/([\w.]*):(\d+)/g)]);
    expect(named.length).toBeGreaterThan(1);
    for (const [, host = "", port] of named) {
      const service = host === "" || host === "127.0.0.1" ? name : host;
      expect([service, ports.get(service)?.includes(Number(port))]).toEqual([service, true]);
    }
    for (const path of command.flatMap((each) => /-data_save_path=(.*)/.exec(each)?.[1] ?? [])) {
      expect(isBelow(mounted, path)).toBe(true);
    }
  }
});

/** Those of the container, which are the same outside, for this machine alone. */
const portsOf = (published: readonly string[]): number[] =>
  published.map((each) => {
    const [, outside, inside] = /^127\.0\.0\.1:(\d+):(\d+)$/.exec(each) ?? [];
    expect(outside).toBe(inside);
    return Number(inside);
  });

it("deploy/systemd/ringmq.service starts the broker with a file that is there, and lets it stop", async () => {
  const unit = new Map<string, string>();
  for (const [, name = "", value = ""] of readDocument("deploy/systemd/ringmq.service").matchAll(/^(\w+)=(.*)$/gm)) {
    unit.set(name, value);
  }
  const [node, program = "", command, ...flags] = unit.get("ExecStart")?.split(" ") ?? [];
  expect([node, command]).toEqual(["/usr/bin/node", "serve"]);
  expect(program.endsWith(posix.join("/node_modules/ringmq", bin["ringmq"] ?? ""))).toBe(true);
  expect(faultsOf(["ringmq", ...flags])).toEqual([]);
  expect(flags).toEqual(["--config", "/etc/ringmq/ringmq.toml"]);
  const configuration = await checked("deploy/systemd/ringmq.toml");
  expect(isBelow(`/var/lib/${unit.get("StateDirectory")}`, configuration.get("journal.data"))).toBe(true);
  expect([unit.get("Type"), unit.get("NotifyAccess")]).toEqual(["notify", "all"]);
  expect(Number(unit.get("TimeoutStopSec")) * 1_000).toBeGreaterThan(STOP);
  expect(Number(unit.get("LimitNOFILE"))).toBeGreaterThan(maxConnections);
});

/** The name of the configuration file in the Secret, and where that is mounted. */
const FILE = "ringmq.toml";

interface Named {
  readonly name: string;
}

type Labels = Readonly<Record<string, string>>;

interface ServiceManifest {
  readonly metadata: Named;
  readonly spec: {
    readonly clusterIP?: string;
    readonly selector: Labels;
    readonly ports: readonly (Named & { readonly port: number; readonly targetPort: string })[];
  };
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly envFrom: readonly object[];
  readonly env: readonly Named[];
  readonly ports: readonly (Named & { readonly containerPort: number })[];
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
  readonly volumeMounts: readonly (Named & { readonly mountPath: string })[];
}

interface Pod {
  readonly enableServiceLinks: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: { readonly runAsUser: number; readonly runAsGroup: number };
  readonly containers: readonly [Container];
  readonly volumes: readonly [Named & { readonly secret: { readonly secretName: string } }];
}

/** What is looked at, of each. */
type Manifests = [
  configMap: { readonly metadata: Named; readonly data: Labels },
  secret: { readonly metadata: Named; readonly stringData: Labels },
  service: ServiceManifest,
  headless: ServiceManifest,
  set: {
    readonly spec: {
      readonly serviceName: string;
      readonly ordinals: { readonly start: number };
      readonly selector: { readonly matchLabels: Labels };
      readonly template: { readonly metadata: { readonly labels: Labels }; readonly spec: Pod };
      readonly volumeClaimTemplates: readonly [{ readonly metadata: Named }];
    };
  },
  budget: { readonly spec: { readonly selector: { readonly matchLabels: Labels } } },
];

describe("deploy/kubernetes/ringmq.yaml", () => {
  const documents = parseAllDocuments(readDocument("deploy/kubernetes/ringmq.yaml")).map((each) => each.toJS());
  const [configMap, secret, service, headless, set, budget] = documents as Manifests;
  const { metadata, spec: pod } = set.spec.template;
  const [container] = pod.containers;

  it("has what belongs together", () => {
    expect(documents.map(({ kind }) => kind)).toEqual([
      "ConfigMap",
      "Secret",
      "Service",
      "Service",
      "StatefulSet",
      "PodDisruptionBudget",
    ]);
    const { labels } = metadata;
    for (const each of [service.spec.selector, headless.spec.selector, set.spec.selector.matchLabels]) {
      expect(each).toEqual(labels);
    }
    expect(budget.spec.selector.matchLabels).toEqual(labels);
    expect([headless.spec.clusterIP, set.spec.serviceName]).toEqual(["None", headless.metadata.name]);
    expect(container.envFrom).toEqual([{ configMapRef: { name: configMap.metadata.name } }]);
    const [{ name, secret: mounted }] = pod.volumes;
    expect(mounted.secretName).toBe(secret.metadata.name);
    const mounts = new Map(container.volumeMounts.map((each) => [each.name, each.mountPath]));
    expect(configMap.data["RINGMQ_CONFIG"]).toBe(`${mounts.get(name)}/${FILE}`);
    const [claim] = set.spec.volumeClaimTemplates;
    expect(mounts.get(claim.metadata.name)).toBe(last("VOLUME"));
    expect(`${pod.securityContext.runAsUser}:${pod.securityContext.runAsGroup}`).toBe(last("USER"));
  });

  it("runs the broker as it can be run, on ports that it has, and lets it stop", async () => {
    expect(container.image).toBe(`ringmq:${version}`);
    expect(container.args).toEqual(JSON.parse(last("CMD")));
    expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(STOP);
    // Otherwise Kubernetes sets RINGMQ_PORT and others, of which the broker warns.
    expect(pod.enableServiceLinks).toBe(false);
    const directory = makeDirectory();
    onTestFinished(() => removeDirectory(directory));
    const file = posix.join(directory, FILE);
    writeFileSync(file, secret.stringData[FILE] ?? "");
    const env = Object.fromEntries(container.env.map(({ name }) => [name, String(set.spec.ordinals.start)]));
    const configuration = await checked(file, { ...configMap.data, RINGMQ_CONFIG: "", ...env });
    expect(configuration.get("broker.node")).toBe("1");
    expect(isBelow(last("VOLUME"), configuration.get("journal.data"))).toBe(true);
    const ports = new Map(container.ports.map((each) => [each.name, each.containerPort]));
    for (const [name, key] of [
      ["tcp", "tcp"],
      ["http", "http"],
      ["metrics", "metricsAddress"],
    ] as const) {
      expect(configuration.get(`listen.${key}`)).toBe(`[::]:${ports.get(name)}`);
    }
    for (const each of [...service.spec.ports, ...headless.spec.ports]) {
      expect([each.name, each.port]).toEqual([each.targetPort, ports.get(each.targetPort)]);
    }
    const probes = [container.readinessProbe, container.livenessProbe].map(({ httpGet }) => httpGet);
    expect(probes).toEqual([
      { path: "/readyz", port: "metrics" },
      { path: "/healthz", port: "metrics" },
    ]);
  });
});

it("docs/deploying.md has command lines that can be run", () => {
  const text = readDocument("docs/deploying.md").replaceAll(/ \\\n\s*/g, " ");
  const lines = [
    ...text.matchAll(
      /^docker (?:run .* ringmq(?::[\w.]+)?|exec \S+) (gnode|gregister|gweb|gclient|ringmq serve) (.*)$/gm,
    ),
  ];
  expect(lines.length).toBeGreaterThan(4);
  for (const [, program = "", args = ""] of lines) {
    expect(faultsOf([program.replace(" serve", ""), ...args.split(" ")])).toEqual([]);
  }
});
