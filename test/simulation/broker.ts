/**
 * One life of the simulated broker: a data directory on the simulated disk, and in it the journal of each shard. Started
 * with another number of shards than the directory has, it moves everything first, as a broker does.
 */
import { dirname } from "node:path";
import {
  makeGeneration,
  openDataDirectory,
  removeOtherGenerations,
  writeManifest,
} from "../../src/journal/data-directory.js";
import { shardDirectory } from "../../src/journal/layout.js";
import { Router } from "../../src/main/shards/router.js";
import { packHead } from "../../src/protocol/head.js";
import type { Shard } from "../../src/shard/shard.js";
import type { Topic } from "../../src/shard/topics/topic.js";
import { ID_CLOCK_BYTES } from "../../src/workers/shard-thread-data.js";
import type { Topics } from "./clients.js";
import { Life, type Makers, type Sent } from "./life.js";
import type { SimulatedDisk } from "./simulated-disk.js";
import type { Settings } from "./steps.js";

export interface BrokerOptions {
  readonly disk: SimulatedDisk;
  /** The data directory. */
  readonly data: string;
  readonly shards: number;
  readonly settings: Settings;
  readonly now: number;
  readonly makers: Makers;
  /** Who is told what a shard's pump sends. */
  readonly sent: (shard: number) => Sent;
}

export class Broker implements Topics {
  /** By number. */
  readonly lives: Life[] = [];
  /** This start has moved everything to another number of shards. */
  readonly isMoved: boolean;
  /** That of its data directory: each move makes another one. */
  readonly generation: number;
  readonly #options: BrokerOptions;
  readonly #router: Router;
  readonly #idClock = new SharedArrayBuffer(ID_CLOCK_BYTES);

  /** Throws `Crash`, and what a start throws. */
  constructor(options: BrokerOptions) {
    const { disk, data, shards, settings, now, makers } = options;
    const { checksum } = makers;
    const view = makers.view(disk);
    this.#options = options;
    this.#router = routerOf(shards, makers);
    let manifest = openDataDirectory(view, data, shards);
    this.isMoved = manifest.shards !== shards;
    if (this.isMoved) {
      const { generation, shards: from } = manifest;
      const { segmentBytes, pageBytes } = settings;
      makeGeneration(view, data, generation + 1, shards);
      makers.reshard(view, checksum, { data, generation, from, to: shards, segmentBytes, pageBytes, now });
      manifest = { ...manifest, shards, generation: generation + 1 };
      writeManifest(view, data, manifest);
    }
    removeOtherGenerations(view, data, manifest);
    this.generation = manifest.generation;
    for (let shard = 0; shard < shards; shard++) this.lives.push(this.#begin(shard, now));
  }

  get level(): number {
    return this.#options.settings.level;
  }

  get shards(): readonly Shard[] {
    return this.lives.map(({ shard }) => shard);
  }

  /** The number of the shard that a topic or a channel belongs to. */
  shardOf(name: string): number {
    return route(this.#router, name);
  }

  /** The number of the shard that a file belongs to; -1: to none. */
  shardAt(path: string): number {
    return this.lives.findIndex(({ directory }) => directory === path || directory === dirname(path));
  }

  find(topic: string): Topic | undefined {
    return this.lives[this.shardOf(topic)]?.shard.directory.find(topic);
  }

  /** The thread of a shard has ended, and another takes its place. Throws what a recovery throws. */
  revive(shard: number, now: number): Life {
    this.lives[shard]?.finishJobs();
    const life = this.#begin(shard, now);
    this.lives[shard] = life;
    return life;
  }

  #begin(number: number, now: number): Life {
    const { disk, data, shards, settings, makers, sent } = this.#options;
    const directory = shardDirectory(data, this.generation, number);
    return new Life({
      disk,
      directory,
      number,
      shards,
      idClock: this.#idClock,
      settings,
      now,
      makers,
      sent: sent(number),
    });
  }
}

const routerOf = (shards: number, { checksum }: Makers): Router =>
  new Router(shards, (bytes) =>
    checksum(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.length, 0),
  );

const route = (router: Router, name: string): number => {
  const head = packHead([name]);
  return router.route(head, new DataView(head.buffer, head.byteOffset, head.byteLength), 0, head.length);
};
