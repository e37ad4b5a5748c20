/**
 * The client as a page loads it: modules for browsers alone, minified. The first two are what a page needs to connect and to publish;
 * the others come with the first use of what is in them. What browsers lack is replaced as package.json says (`browser`).
 */
import { join, relative } from "node:path";
import { rolldown } from "rolldown";

/**
 * Parts that are loaded when they are first used: their class or function, and how it is used. All that is called of them is
 * asynchronous, except `iterators`, and what `before` gives until the part is there.
 */
const LATER = {
  "admin/channel-admin.js": { name: "ChannelAdmin", iterators: '["channels"]' },
  "admin/connection-admin.js": { name: "ConnectionAdmin", iterators: '["connections", "consumers"]' },
  "admin/inspection.js": { name: "Inspection" },
  "admin/topic-admin.js": { name: "TopicAdmin", iterators: '["topics"]' },
  "calls/calls.js": { name: "Calls", before: "{ stop: async () => {} }" },
  "channels/subscriptions.js": {
    name: "Subscriptions",
    before: "{ all: [], ended() {}, lost() {}, holds: () => false }",
  },
  "consume/queues.js": { name: "Queues", before: "{ drain: async () => {}, shutDown() {}, moveOn() {} }" },
  "dead-letters/dead-letters.js": { name: "DeadLetters", iterators: "[Symbol.asyncIterator]" },
  "nodes/connect-nodes.js": { name: "connectNodes", isFunction: true },
  "topics/topic.js": { name: "Topic", before: "{ name: args[1] }" },
  "work/workers.js": { name: "Workers", before: "{ drain: async () => {} }" },
};

/** Where the parts come together. */
const WHOLE = ["admin/broker-admin.js", "client.js", "index.js"];

const standIn = (module, { name, isFunction = false, iterators = "[]", before = "{}" }) => {
  const load = `import(${JSON.stringify(module)})`;
  if (isFunction) return `export const ${name} = async (...args) => (await ${load}).${name}(...args);`;
  const make = `later(async () => new (await ${load}).${name}(...args), ${before}, ${iterators})`;
  return `export const ${name} = class { constructor(...args) { return ${make}; } };`;
};

const plugin = (client) => {
  const inClient = (path) => relative(client, path).replaceAll("\\", "/");
  return {
    name: "page",
    async resolveId(source, importer) {
      if (importer === undefined || !source.startsWith(".")) return null;
      const { id } = await this.resolve(source, importer, { skipSelf: true });
      return inClient(id) in LATER && WHOLE.includes(inClient(importer)) ? `${id}?later` : null;
    },
    load(id) {
      const [module, isLater] = id.split("?");
      if (isLater === undefined) return null;
      const stand = standIn(module, LATER[inClient(module)]);
      return `import { later } from ${JSON.stringify(join(client, "page/later.js"))};\n${stand}`;
    },
  };
};

/** The modules that the first of the chunks needs at once. */
const neededAtOnce = ([first, ...chunks]) => {
  const byName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  const modules = new Set();
  const open = [first];
  for (let chunk = open.pop(); chunk !== undefined; chunk = open.pop()) {
    for (const id of chunk.moduleIds) modules.add(id);
    for (const name of chunk.imports) {
      if (byName.has(name)) open.push(byName.get(name));
      byName.delete(name);
    }
  }
  return modules;
};

/** Writes the modules for pages, made from the folder `client` of what is built, to the folder `dir`. */
export const writePage = async (client, dir) => {
  const input = join(client, "index.js");
  const build = await rolldown({ input, platform: "browser", plugins: [plugin(client)], logLevel: "warn" });
  const names = { entryFileNames: "[name].js", chunkFileNames: "[name].js" };
  // Once to see what belongs together.
  const atOnce = neededAtOnce((await build.generate({ ...names })).output);
  const groups = [
    { name: "client", test: (id) => atOnce.has(id), priority: 2 },
    { name: "messages", test: /[\\/](?:arguments|base|collections|connection|messages|protocol)[\\/]/, priority: 1 },
    { name: "queues", test: /[\\/]consume[\\/]/ },
  ];
  await build.write({ ...names, dir, minify: true, codeSplitting: { groups } });
  await build.close();
};
