/** The table that holds, and its file: the one place where a table takes the place of another. */
import type { Log } from "../../main/log.js";
import { type NodeTable, Refusal } from "./node-table.js";
import type { TableFile } from "./table-file.js";

/** Milliseconds in which what the registry finds out is gathered: many nodes that are lost together are one save. */
const SAVE_PAUSE = 200;

export class Directory {
  readonly #file: TableFile | undefined;
  readonly #log: Log;
  #table: NodeTable;
  /** The file is behind the table. */
  #isUnsaved = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(file: TableFile | undefined, log: Log) {
    this.#file = file;
    this.#log = log;
    this.#table = file?.load(log, Date.now()) ?? new Map();
  }

  get table(): NodeTable {
    return this.#table;
  }

  /** A change that somebody asked for: it holds when it is saved. @throws Refusal when it cannot be. */
  change(next: NodeTable): void {
    try {
      this.#file?.save(next);
    } catch (error) {
      this.#log.error({ reason: textOf(error) }, "the list of nodes cannot be saved");
      throw new Refusal(`the list of nodes cannot be saved: ${codeOf(error)}`);
    }
    this.#isUnsaved = false;
    this.#table = next;
  }

  /** What the registry found out by itself: it holds at once, and is saved soon, or as soon as that can be done. */
  note(next: NodeTable): void {
    if (next !== this.#table) this.#isUnsaved = true;
    this.#table = next;
    if (!this.#isUnsaved) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#save();
    }, SAVE_PAUSE).unref();
  }

  /** Saves what is not saved. Nothing is to be changed any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#save();
  }

  #save(): void {
    if (!this.#isUnsaved) return;
    try {
      this.#file?.save(this.#table);
      this.#isUnsaved = false;
    } catch (error) {
      this.#log.error({ reason: textOf(error) }, "the list of nodes cannot be saved");
    }
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Without the path, which is nobody's business who only registers. */
const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "error";
