/**
 * The client as a page loads it: modules for browsers alone, minified. The first is what a page needs to connect and to publish;
 * the others come with the first use of what is in them. What browsers lack is replaced as package.json says (`browser`).
 */
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { rolldown } from "rolldown";
import { modulesIn } from "../modules.mjs";

/**
 * Parts that are loaded when they are first used: their class or function, and how it is used. All that is called of them is
 * asynchronous, except `iterators`, and what `before` gives until the part is there.
 */
export const LATER = {
  "admin/channel-admin.js": { name: "ChannelAdmin", iterators: '["channels"]' },
  "admin/inspection.js": { name: "Inspection", iterators: '["connections", "consumers"]' },
  "admin/topic-admin.js": { name: "TopicAdmin", iterators: '["topics"]' },
  "calls/calls.js": { name: "Calls", before: "{ stop: async () => {} }" },
  "channels/subscriptions.js": {
    name: "Subscriptions",
    before: "{ all: [], ended() {}, lost() {}, holds: () => false }",
  },
  "connection/address-refusal.js": { name: "addressRefusal", isFunction: true },
  "consume/queues.js": { name: "Queues", before: "{ drain: async () => {}, shutDown() {}, moveOn() {} }" },
  "consume/message-search.js": {
    name: "MessageSearch",
    before: "{ scanned: 0, scannedBytes: 0, isOver: false }",
    iterators: "[Symbol.asyncIterator]",
  },
  "dead-letters/dead-letters.js": { name: "DeadLetters", iterators: "[Symbol.asyncIterator]" },
  "nodes/connect-nodes.js": { name: "connectNodes", isFunction: true },
  "publish/batch-publisher.js": { name: "BatchPublisher" },
  "topics/topic.js": { name: "Topic", before: "{ name: args[1] }" },
  "watch/watching.js": { name: "Watching" },
  "work/workers.js": { name: "Workers", before: "{ drain: async () => {} }" },
};

/** Where the parts come together. */
const WHOLE = ["admin/broker-admin.js", "client.js", "connection/open.js", "index.js"];

const standIn = (module, { name, isFunction = false, iterators, before = iterators && "{}" }) => {
  const load = `import(${JSON.stringify(module)})`;
  if (isFunction)
    return `export const ${name} = async (...args) => (await ${load}.catch(cannotLoad)).${name}(...args);`;
  const given = [before, iterators].filter(Boolean).map((each) => `, ${each}`);
  const make = `later(async () => new (await ${load}).${name}(...args)${given.join("")})`;
  return `export const ${name} = class { constructor(...args) { return ${make}; } };`;
};

/** A table of numbers, as a built module exports it, and one of its entries. */
const TABLE = /^export const (\w+) = \{((?:\s*(?:\/\*\*.*\*\/\s*)?\w+: (?:0x)?[\da-f]+,?)+)\s*\};/gm;
const ENTRY = /(\w+): ((?:0x)?[\da-f]+),?\s*$/gm;

/** The numbers of such tables by how programs name them, `Op.PING`: they are written in place of that. */
const numbersIn = (dist) => {
  const numbers = new Map();
  for (const path of modulesIn(dist).filter((each) => each.endsWith(".js"))) {
    for (const [, table, entries] of readFileSync(join(dist, path), "utf8").matchAll(TABLE)) {
      for (const [, entry, number] of entries.matchAll(ENTRY)) {
        const name = `${table}.${entry}`;
        if ((numbers.get(name) ?? number) !== number) throw new Error(`${name} has two numbers`);
        numbers.set(name, number);
      }
    }
  }
  return numbers;
};

/** The method of a built class that tells Node.js how its objects look. */
export const LOOKS = /^ {4}\[INSPECT\]\(.*\) \{\n(?: {8}.*\n)*? {4}\}\n/gm;

/**
 * Modules without a state, of which the parts that are loaded later have copies of their own: so the first has only what it calls
 * itself.
 */
const COPIED = /^protocol.(?:headers|selection|text)\.js$/;

/** `atOnce`: the modules that are needed at once, once they are known. */
const plugin = (client, atOnce) => {
  const numbers = numbersIn(join(client, ".."));
  const inClient = (path) => relative(client, path).replaceAll("\\", "/");
  const isCopied = (id, importer) => atOnce?.has(importer) === false && COPIED.test(relative(join(client, ".."), id));
  return {
    name: "page",
    async resolveId(source, importer) {
      if (importer === undefined || !source.startsWith(".")) return null;
      const { id } = await this.resolve(source, importer, { skipSelf: true });
      if (inClient(id) in LATER && WHOLE.includes(inClient(importer))) return `${id}?later`;
      return isCopied(id, importer) ? `${id}?copy` : null;
    },
    load(id) {
      const [module, kind] = id.split("?");
      if (kind === "copy") return readFileSync(module, "utf8");
      if (kind !== "later") return null;
      const stand = standIn(module, LATER[inClient(module)]);
      return `import { cannotLoad, later } from ${JSON.stringify(join(client, "page/later.js"))};\n${stand}`;
    },
    transform(code) {
      return code.replaceAll(LOOKS, "").replaceAll(/\b[A-Z]\w+\.\w+\b/g, (name) => numbers.get(name) ?? name);
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
  const names = { entryFileNames: "[name].js", chunkFileNames: "[name].js" };
  const open = (atOnce) =>
    rolldown({
      input: join(client, "index.js"),
      platform: "browser",
      preserveEntrySignatures: "allow-extension",
      plugins: [plugin(client, atOnce)],
      optimization: { inlineConst: { mode: "all", pass: 3 } },
      logLevel: "warn",
    });
  // Once to see what belongs together.
  const trial = await open();
  const atOnce = neededAtOnce((await trial.generate(names)).output);
  await trial.close();
  const build = await open(atOnce);
  const groups = [
    { name: "client", test: (id) => atOnce.has(id), priority: 2 },
    {
      name: "messages",
      test: /[\\/](?:arguments|base|collections|messages|protocol)[\\/](?!call-later|broker-sample)/,
      priority: 1,
    },
    { name: "queues", test: /[\\/]consume[\\/]/ },
    { name: "reconnector", test: /[\\/](?:keep-alive|reconnector)\.js/ },
  ];
  await build.write({ ...names, dir, minify: true, comments: false, codeSplitting: { groups } });
  await build.close();
};
