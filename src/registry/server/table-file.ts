/**
 * The file in which a registry keeps its nodes: JSON, replaced as a whole with each change. `version` says how to read it;
 * who changes its shape counts that up and goes on reading the older ones.
 */
import { join } from "node:path";
import { nodeDisk } from "../../journal/node-disk.js";
import { readSmallFile, replaceFile } from "../../journal/whole-file.js";
import type { Log } from "../../main/log.js";
import { isObject, isWeight, readNode } from "../discovery/node-info.js";
import { type KnownNode, type NodeTable, withNode } from "./node-table.js";

const NAME = "registry.json";
const VERSION = 1;

/** 1,024 nodes with addresses of the greatest length are about 700 KB. */
const MAX_BYTES = 4 * 1024 * 1024;

export class TableFile {
  readonly #directory: string;

  /** Makes the directory when it is not there. */
  constructor(directory: string) {
    this.#directory = directory;
    nodeDisk.makeDirectory(directory);
  }

  get path(): string {
    return join(this.#directory, NAME);
  }

  /** Reads the file. One that is damaged is set aside, and the list begins empty. */
  load(log: Log, now: number): NodeTable {
    if (!nodeDisk.list(this.#directory).includes(NAME)) return new Map();
    try {
      const bytes = readSmallFile(nodeDisk, this.path, MAX_BYTES);
      if (bytes === undefined) throw new Error(`it has more than ${MAX_BYTES} bytes`);
      return readTable(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
    } catch (error) {
      // Of the file system: what is in the file may be all right.
      if (error instanceof Error && "syscall" in error) throw error;
      const aside = `${this.path}.damaged-${now}`;
      nodeDisk.rename(this.path, aside);
      nodeDisk.syncDirectory(this.#directory);
      const reason = error instanceof Error ? error.message : String(error);
      log.error({ file: aside, reason }, "the list of nodes is damaged: it is set aside, nodes have to register again");
      return new Map();
    }
  }

  /** Throws when it cannot; the file is as it was then. */
  save(table: NodeTable): void {
    const nodes = [...table.values()].map((node) => ({
      id: node.id,
      tcp_addr: node.tcpAddress,
      http_addr: node.httpAddress,
      weight: node.weight,
      own_weight: node.ownWeight,
      join_time: node.joinTime,
      dropped_at: node.droppedAt,
    }));
    const text = `${JSON.stringify({ version: VERSION, nodes }, undefined, 2)}\n`;
    replaceFile(nodeDisk, this.#directory, NAME, new TextEncoder().encode(text));
  }
}

const readTable = (value: unknown): NodeTable => {
  if (!isObject(value)) throw new Error("it is no object");
  if (value["version"] !== VERSION) throw new Error(`its version is ${value["version"]}, not ${VERSION}`);
  if (!Array.isArray(value["nodes"])) throw new Error("it has no nodes");
  let table: NodeTable = new Map();
  for (const entry of value["nodes"]) {
    const node = readKnown(entry);
    // Sees to it that no two have the same id or address.
    table = new Map(withNode(table, node)).set(node.id, node);
  }
  return table;
};

const readKnown = (entry: unknown): KnownNode => {
  const node = readNode(entry, "id");
  if (node === undefined || !isObject(entry)) throw new Error(`${JSON.stringify(entry).slice(0, 256)} is no node`);
  const { own_weight: ownWeight, dropped_at: droppedAt } = entry;
  const isDropped = typeof droppedAt === "number";
  const own = Number(ownWeight);
  if (!isWeight(own) || !(isDropped || droppedAt === undefined)) throw new Error(`node ${node.id} has wrong values`);
  return { ...node, ownWeight: own, droppedAt: isDropped ? droppedAt : undefined };
};
