/**
 * The interface of a scenario: a named workload, measured in one or more variants.
 */
import { cpus } from "node:os";
import type { Work } from "../load/role.js";
import type { CpuTime } from "../measure/cpu.js";
import { cpuSince, cpuTime } from "../measure/cpu.js";
import type { Percentiles } from "../measure/histogram.js";
import { Broker, type BrokerSettings } from "../processes/broker.js";
import type { Pin } from "../processes/command.js";
import { Durability, type Level } from "../processes/durability.js";
import { LoadProcess } from "../processes/load-process.js";

/** The size of a workload. Each scenario has defaults, which flags override. */
export interface Workload {
  readonly messages: number;
  /** Bytes of a body. */
  readonly bytes: number;
  /** Messages in a frame. */
  readonly batch: number;
  /** The result is the median of this many runs. */
  readonly runs: number;
  /** A load ends after this time in any case. */
  readonly seconds: number;
}

export interface Parameters extends Workload {
  readonly durability: Level;
  /** The directory in which data directories are made. */
  readonly data: string;
  readonly pin: Pin | undefined;
  readonly shards: number | undefined;
  /** The broker's budget for messages in bytes, unless the scenario is about a certain one. */
  readonly memory: number | undefined;
  /** A directory for the broker's CPU profiles. */
  readonly profile: string | undefined;
  /** Whether the broker has users and the load shows a token. */
  readonly users: boolean;
  /** Whether an observer looks at the broker meanwhile. */
  readonly observed: boolean;
}

export interface Result {
  readonly scenario: string;
  /** The kind of load or server: `raw` sends pre-encoded frames, `client` uses the client library. */
  readonly variant: string;
  /** For a scenario that measures more than one thing. */
  readonly case?: string;
  readonly messages: number;
  readonly messagesPerSecond: number;
  /** User and system time of the server process. */
  readonly serverCpuMicrosPerMessage: number;
  /** The part of its first thread. */
  readonly serverMainThreadCpuMicrosPerMessage: number;
  /** User and system time of the load processes. */
  readonly clientCpuMicrosPerMessage: number;
  /** The share of the machine's CPU time that unrelated processes used. */
  readonly otherCpuShare?: number;
  readonly latencyMicros?: Readonly<Record<string, Percentiles>>;
  /** Figures of this scenario alone. Each name includes the unit. */
  readonly figures?: Readonly<Record<string, number>>;
}

export type Measured = Omit<Result, "scenario" | "variant">;

/** A result and the broker's level of durability. */
export interface LevelResult extends Result {
  readonly durability: Level;
}

export interface Variant {
  readonly name: string;
  /** One run on a fresh broker. */
  run(bench: Bench): Promise<readonly Result[]>;
}

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  /** The defaults for bodies of `bytes`, as far as they differ from the general ones. */
  defaults(bytes: number): Partial<Workload>;
  /** The levels that it supports. Default: all. */
  readonly levels?: readonly Level[];
  /** Whether its load speaks a protocol other than the native one, and shows no token. Default: no. */
  readonly isForeign?: boolean;
  readonly variants: readonly Variant[];
}

/** What a journal takes beside its messages: two segments of 64 MiB for each of several shards. */
const JOURNAL_BYTES = 1024 ** 3;
/** What a message alone in its record takes beside its body, with its ack. A journal may be twice its live records. */
const RECORD_BYTES = 96;
const JOURNAL_GROWTH = 2;

export interface BrokerNeeds extends Pick<BrokerSettings, "memory" | "grpc" | "httpTls" | "connections"> {
  /** Messages published to it in total. Default: those of the workload, and as many to warm up. */
  readonly messages?: number;
}

/** What a run of a scenario uses. */
export class Bench {
  constructor(readonly parameters: Parameters) {}

  /** The level of the broker, as the flag of CONFIRM. */
  get durability(): number {
    return Durability[this.parameters.durability];
  }

  async startBroker({
    memory = this.parameters.memory,
    grpc,
    httpTls,
    connections,
    messages = this.parameters.messages * 2,
  }: BrokerNeeds = {}): Promise<Broker> {
    const { pin, shards, profile, durability, data, bytes, users, observed } = this.parameters;
    const room = messages * (bytes + RECORD_BYTES) * JOURNAL_GROWTH + JOURNAL_BYTES;
    const broker = await Broker.start({
      cpus: pin?.broker,
      shards,
      profile,
      memory,
      grpc,
      httpTls,
      connections,
      users,
      durability,
      data: { parent: data, bytes: room },
    });
    if (observed) broker.accompany(await this.#startObserver(broker));
    return broker;
  }

  startLoad(): LoadProcess {
    return new LoadProcess(this.parameters.pin?.load);
  }

  async #startObserver({ listening }: Broker): Promise<Disposable> {
    const process = this.startLoad();
    const armed = await process.prepare("observer", { address: listening.ws, http: listening.http });
    // It goes on until its process is ended; if it ends before, its standard error has said why.
    void armed.go().catch(() => {});
    return process;
  }
}

/** Does `work` and measures the CPU time of the server meanwhile. */
export const charge = async <Outcome>(
  pid: number,
  work: () => Promise<Outcome>,
): Promise<{ readonly outcome: Outcome; readonly cpu: CpuTime }> => {
  const start = cpuTime(pid);
  const outcome = await work();
  return { outcome, cpu: cpuSince(pid, start) };
};

/** The figures of every result. `others` is the work of further load processes. */
export const measured = (work: Work, cpu: CpuTime, others: readonly Work[] = []): Measured => {
  const messages = Math.max(1, work.messages);
  const client = others.reduce((sum, other) => sum + other.cpuMicros, work.cpuMicros);
  return {
    messages: work.messages,
    messagesPerSecond: work.messages / work.seconds,
    serverCpuMicrosPerMessage: cpu.process / messages,
    serverMainThreadCpuMicrosPerMessage: cpu.mainThread / messages,
    clientCpuMicrosPerMessage: client / messages,
    otherCpuShare: Math.min(1, Math.max(0, cpu.machine - cpu.process - client) / (cpu.at * cpus().length)),
  };
};

/** At most `messages`, and at most about 1.5 GiB, since a broker refuses what does not fit in its memory. */
export const fitting = (messages: number, bytes: number): number =>
  Math.max(1, Math.min(messages, Math.floor((1.5 * 1024 ** 3) / (bytes + 4))));

/** At most `batch`, and at most about 256 KiB in a frame. */
export const fittingBatch = (batch: number, bytes: number): number =>
  Math.max(1, Math.min(batch, Math.floor((256 * 1024) / (bytes + 4))));
