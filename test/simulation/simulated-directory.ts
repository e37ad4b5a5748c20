/**
 * A directory of the simulated disk, twice: the names as processes see them, and those on the platter. A change of names
 * is durable once the directory has been synced; before that a crash of the machine may undo it.
 */
import type { Random } from "./random.js";
import { type CrashOutcome, Inode } from "./simulated-inode.js";

export type Entry = Inode | Directory;

type Change =
  | { readonly do: "add"; readonly name: string; readonly entry: Entry }
  | { readonly do: "remove"; readonly name: string }
  | { readonly do: "rename"; readonly name: string; readonly to: string };

export class Directory {
  readonly #names = new Map<string, Entry>();
  readonly #platter = new Map<string, Entry>();
  /** In order, what has been changed since the last sync. */
  #pending: Change[] = [];

  get names(): string[] {
    return [...this.#names.keys()];
  }

  get isDirty(): boolean {
    return this.#pending.length > 0;
  }

  find(name: string): Entry | undefined {
    return this.#names.get(name);
  }

  /** Every file below, as processes see it. */
  *files(): Iterable<Inode> {
    for (const entry of this.#names.values()) {
      if (entry instanceof Inode) yield entry;
      else yield* entry.files();
    }
  }

  /** Every directory below. */
  *directories(): Iterable<Directory> {
    for (const entry of this.#names.values()) {
      if (entry instanceof Inode) continue;
      yield entry;
      yield* entry.directories();
    }
  }

  add(name: string, entry: Entry): void {
    this.#change({ do: "add", name, entry });
  }

  remove(name: string): void {
    this.#change({ do: "remove", name });
  }

  /** Takes the place of what has the name `to`. */
  rename(name: string, to: string): void {
    this.#change({ do: "rename", name, to });
  }

  sync(): void {
    for (const change of this.#pending) carryOut(this.#platter, change);
    this.#pending = [];
  }

  /** The file system writes some of its journal of its own accord. */
  writeBack(random: Random): void {
    const count = random.between(0, this.#pending.length);
    for (const change of this.#pending.splice(0, count)) carryOut(this.#platter, change);
  }

  /**
   * The machine stops. Of the changes that were not synced a beginning has happened, as with a file system that
   * journals them in order, or any of them, as POSIX allows.
   */
  crash(outcome: CrashOutcome, random: Random): void {
    if (random.chance(0.6)) this.writeBack(random);
    else for (const change of this.#pending) if (random.chance(outcome.keep)) carryOut(this.#platter, change);
    this.#pending = [];
    this.#names.clear();
    for (const [name, entry] of this.#platter) {
      this.#names.set(name, entry);
      entry.crash(outcome, random);
    }
  }

  #change(change: Change): void {
    carryOut(this.#names, change);
    this.#pending.push(change);
  }
}

/** A change that builds on one that has not happened does not happen either. */
const carryOut = (names: Map<string, Entry>, change: Change): void => {
  switch (change.do) {
    case "add":
      names.set(change.name, change.entry);
      return;
    case "remove":
      names.delete(change.name);
      return;
    case "rename": {
      const entry = names.get(change.name);
      if (entry === undefined) return;
      names.delete(change.name);
      names.set(change.to, entry);
    }
  }
};
