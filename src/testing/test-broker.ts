/**
 * A broker for tests: the core of a shard, its journal and the native connections of the real one, in the program's own
 * thread, on a disk in memory, under a clock that the test moves. It has no socket, no thread, no file and no timer.
 */

import { readConnect } from "../client/arguments/connect-checks.js";
import type { ConnectOptions } from "../client/arguments/options.js";
import type { Client } from "../client/client.js";
import { connectClient } from "../client/connect.js";
import { atEndOfTurn } from "../client/connection/end-of-turn.js";
import type { OpenTransport } from "../client/connection/transport.js";
import type { Fault } from "../journal/disk-fault.js";
import { shardDirectory } from "../journal/layout.js";
import { makeLedger, NO_SEGMENTS } from "../journal/ledger.js";
import { type BrokerLimits, LIMIT_NAMES, resolveLimits } from "../main/limits.js";
import { type Log, SILENT } from "../main/log.js";
import { checkKnown } from "../main/option-checks.js";
import { checkUsers, type UserOptions } from "../main/user-options.js";
import { EPOCH } from "../protocol/id.js";
import { type IdSource, localIdSource } from "../shard/messages/id-allocator.js";
import { BrokerLife } from "./broker-life.js";
import { type Duration, milliseconds } from "./duration.js";
import { Line } from "./line.js";
import { MemoryDisk } from "./memory-disk.js";
import { VirtualClock } from "./virtual-clock.js";

/** What clients are told they are connected to. */
const ADDRESS = "tcp://test-broker";

const DIRECTORY = shardDirectory("/memory", 1, 0);

/** More than any test publishes, and less than what makes a machine swap when something publishes for ever. */
const MEMORY_BYTES = 256 * 1024 * 1024;

/** A delayed message of days keeps a segment: better a small one. */
const SEGMENT_BYTES = 1024 * 1024;

/**
 * Turns of the event loop in which nothing is sent, after which clients are taken to be done with what has come: one in which
 * a program goes on and asks, one at whose end the client sends that, and one more for a program that goes through another.
 */
const QUIET_TURNS = 3;

/** The last moment that a Date can name. Milliseconds since 1970. */
const MAX_TIME = 8.64e15;

/** What a disk may have against publishes, and the error of the system that shows it. */
const FAULTS = {
  DISK_FULL: { code: "ENOSPC" },
  DISK_FAULT: { code: "EIO" },
  OUT_OF_DESCRIPTORS: { code: "EMFILE" },
} as const satisfies Record<string, Fault>;

/** A code with which publishes can be refused. */
export type RefusalCode = keyof typeof FAULTS;

/** The limits of `startBroker`, with its defaults, but 256 MiB of memory and segments of 1 MiB. */
export interface TestBrokerOptions extends Partial<BrokerLimits> {
  /** What its clock shows at first, in whole milliseconds since 1970. Default: the time of the machine. */
  readonly now?: number;
  /** Who may use it, as those of `startBroker`; their limits are not kept. Default: nobody is asked. */
  readonly users?: readonly UserOptions[];
  /** Default: silent. */
  readonly log?: Log;
}

const OPTION_NAMES: readonly string[] = [...LIMIT_NAMES, "now", "users", "log"];

/** The clock of a test broker. It stands still but for `advance`. */
export interface TestClock {
  /** Milliseconds since 1970. */
  readonly now: number;
  /**
   * Moves the clock on, from one thing that is due to the next: delayed messages become ready, TTRs pass, messages are
   * retried, clients renew their leases. After each, programs have their turn, and what they send is answered. So what
   * happens, happens in the same order each time. Resolves when all has been done that was due and everybody has the
   * answers. A program that waits for something else than the broker (a file, a timer) is not waited for.
   *
   * `by`: milliseconds, or text such as `"90 s"`, `"1.5 hours"`, `"3 days"`, rounded to whole milliseconds. Rejects with a
   * RangeError for others.
   */
  advance(by: Duration): Promise<void>;
}

export class TestBroker {
  readonly #limits: BrokerLimits;
  readonly #users: readonly UserOptions[];
  readonly #log: Log;
  readonly #time: VirtualClock;
  readonly #disk = new MemoryDisk();
  readonly #ids: IdSource = localIdSource(EPOCH);
  #fault: Fault | undefined;
  #life: BrokerLife | undefined;
  /** How many it has had. */
  #lives = 0;
  #isDown = false;
  #isAwake = false;
  /** Counts when something was sent, either way. */
  #traffic = 0;
  /** The last advance that was asked for. */
  #advance: Promise<void> = Promise.resolve();

  /** @internal */
  constructor(options: TestBrokerOptions) {
    checkKnown(options, OPTION_NAMES);
    const { now = Date.now(), users = [], log = SILENT, ...given } = options;
    if (!Number.isSafeInteger(now) || now < 0 || now > MAX_TIME) {
      throw new RangeError(`now must be a whole number from 0 to ${MAX_TIME}; it is ${String(now)}`);
    }
    this.#limits = resolveLimits({ memory: MEMORY_BYTES, segmentBytes: SEGMENT_BYTES, ...given }, 1);
    this.#users = checkUsers(users).map(({ limits: _, ...user }) => user);
    this.#log = log;
    this.#time = new VirtualClock(now);
    makeLedger(this.#disk, DIRECTORY, 0, NO_SEGMENTS);
    this.#life = this.#begin();
  }

  readonly clock: TestClock = (() => {
    const broker = this;
    return {
      get now(): number {
        return broker.#time.now();
      },
      advance: async (by: Duration): Promise<void> => {
        const length = milliseconds(by);
        // One that failed does not keep the next from moving it.
        const before = broker.#advance.catch(() => {});
        broker.#advance = before.then(() => broker.#moveOn(length));
        return broker.#advance;
      },
    };
  })();

  /**
   * Connects a client, as `connect` of `ringmq/client` does to a broker elsewhere, and with the same options. By the broker's
   * clock it knows how long it may hold messages. Rejects with CONNECT_FAILED when the broker is closed.
   */
  async connect(options: ConnectOptions = {}): Promise<Client> {
    // A ping is an affair of machines, and its timer would keep the process of a test alive.
    const read = { ...readConnect(options), pingInterval: Number.POSITIVE_INFINITY };
    const isOver = (): boolean => this.#life === undefined;
    return connectClient([ADDRESS], read, { open: this.#open, clock: this.#time, isOver });
  }

  /**
   * Ends all connections as a network does that is lost: what was under way is gone, and what consumers held goes back to its
   * queues; what was popped stays with whoever has its id, until its TTR passes. Resolves when clients know.
   */
  async cut(): Promise<void> {
    this.#life?.cut();
    this.#run();
    await this.#settle();
  }

  /** As `cut`, and nobody can connect until `up`: as a broker that cannot be reached. It goes on by itself all the while. */
  async down(): Promise<void> {
    this.#isDown = true;
    await this.cut();
  }

  /** Can be connected to again. Clients do so when their next attempt is due. */
  up(): void {
    this.#isDown = false;
  }

  /**
   * Ends as a broker does whose process is killed, and starts again at once: connections end, what consumers held is ready
   * again. What was confirmed with the durability `fsync` or `write` is there; topics with `memory` are empty. Resolves when
   * clients know.
   */
  async restart(): Promise<void> {
    const life = this.#life;
    if (life === undefined) throw new Error("the test broker is closed");
    life.kill();
    this.#life = this.#begin();
    await this.#settle();
  }

  /**
   * Refuses publishes to topics that are not kept in memory alone, as the real broker does when its disk is full (DISK_FULL),
   * fails (DISK_FAULT), or cannot be written to for want of file descriptors; until `accept`. Acks go on, and so do deliveries.
   */
  refuse(code: RefusalCode): void {
    if (!Object.hasOwn(FAULTS, code)) {
      throw new RangeError(`publishes can be refused with ${Object.keys(FAULTS).join(", ")}; not with ${code}`);
    }
    if (this.#limits.durability === "memory") {
      throw new Error(`a broker with durability memory has no disk: nothing of it is refused with ${code}`);
    }
    this.#fault = FAULTS[code];
  }

  /** Takes publishes again. */
  accept(): void {
    this.#fault = undefined;
  }

  /** Ends in order: clients are told, have a moment to give back what they hold, and are disconnected. */
  async close(): Promise<void> {
    const life = this.#life;
    if (life === undefined) return;
    life.goodbye();
    await this.#settle();
    life.shutDown();
    this.#run();
    this.#life = undefined;
    await this.#settle();
  }

  /** As `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #begin(): BrokerLife {
    return new BrokerLife({
      number: ++this.#lives,
      limits: this.#limits,
      users: this.#users,
      log: this.#log,
      now: this.#time.now,
      ids: this.#ids,
      disk: this.#disk,
      directory: DIRECTORY,
      fault: () => this.#fault,
    });
  }

  readonly #open: OpenTransport = async (_address, events, signal) => {
    signal.throwIfAborted();
    if (this.#isDown) throw Object.assign(new Error("the test broker is down"), { code: "ECONNREFUSED" });
    if (this.#life === undefined) throw Object.assign(new Error("the test broker is closed"), { code: "ECONNREFUSED" });
    const line = new Line(events, this.#wake);
    this.#life.accept(line);
    return line.client;
  };

  /** Runs when this turn's code is done. Not by a timer or queueMicrotask, which a test may have replaced. */
  readonly #wake = (): void => {
    if (this.#isAwake) return;
    this.#isAwake = true;
    void Promise.resolve().then(() => {
      this.#isAwake = false;
      this.#run();
    });
  };

  /** Carries out what was sent and what is due. False: nobody was sent anything. */
  #run(): boolean {
    const hasRun = this.#life?.run() === true;
    if (hasRun) this.#traffic++;
    return hasRun;
  }

  async #moveOn(length: number): Promise<void> {
    const end = this.#time.now() + length;
    if (end > MAX_TIME) throw new RangeError(`the clock goes up to ${MAX_TIME}; it would be ${end}`);
    // What has been asked for so far is asked for now, and not later.
    await this.#settle();
    for (;;) {
      const due = Math.min(this.#time.due, this.#life?.due ?? Number.POSITIVE_INFINITY);
      if (due > end) break;
      const hasFired = this.#time.moveTo(due);
      if (this.#run() || hasFired) await this.#settle();
    }
    this.#time.moveTo(end);
    this.#run();
    await this.#settle();
  }

  /** Resolves when nobody has sent anything for a while. */
  async #settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      const before = this.#traffic;
      await new Promise<void>(atEndOfTurn);
      if (this.#traffic !== before) quiet = -1;
    }
  }
}

/**
 * Makes a broker for a test, which is there at once. Any number of them may be in a process; none keeps it alive.
 *
 * @throws RangeError for an option that is out of its range, or that there is not.
 */
export const createTestBroker = (options: TestBrokerOptions = {}): TestBroker => new TestBroker(options);
