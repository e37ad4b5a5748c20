/**
 * What a scenario is: a workload by name, measured in one or more variants.
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

/** The size of a workload. Each scenario has its own; flags override it. */
export interface Workload {
  readonly messages: number;
  /** Of a body. */
  readonly bytes: number;
  /** Messages in a frame. */
  readonly batch: number;
  /** The result is the median of so many runs. */
  readonly runs: number;
  /** A load ends after so long, whatever it has done. */
  readonly seconds: number;
}

export interface Parameters extends Workload {
  readonly durability: Level;
  /** Where the directories of brokers' data are made. */
  readonly data: string;
  readonly pin: Pin | undefined;
  readonly shards: number | undefined;
  /** A directory for the broker's CPU profiles. */
  readonly profile: string | undefined;
}

export interface Result {
  readonly scenario: string;
  /** Whose load or which server: `raw` is pre-encoded frames, `client` the client library. */
  readonly variant: string;
  /** Where a scenario measures more than one thing. */
  readonly case?: string;
  readonly messages: number;
  readonly messagesPerSecond: number;
  /** User and system time of the server process. */
  readonly serverCpuMicrosPerMessage: number;
  /** The part of it that its first thread spent. */
  readonly serverMainThreadCpuMicrosPerMessage: number;
  /** User and system time of the processes that make the load. */
  readonly clientCpuMicrosPerMessage: number;
  /** Of the CPU time that the machine had, the part that went to processes that have nothing to do with this. */
  readonly otherCpuShare?: number;
  readonly latencyMicros?: Readonly<Record<string, Percentiles>>;
  /** What only this scenario measures; each name carries its unit. */
  readonly figures?: Readonly<Record<string, number>>;
}

export type Measured = Omit<Result, "scenario" | "variant">;

/** A result and what the broker was told to promise. */
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
  /** The workload for bodies of `bytes`, in so far as it is not the default. */
  defaults(bytes: number): Partial<Workload>;
  /** The levels at which it means something. Default: all. */
  readonly levels?: readonly Level[];
  readonly variants: readonly Variant[];
}

/** A journal takes this much beside its messages: two segments of 64 MiB for each of a few shards. */
const JOURNAL_BYTES = 1024 ** 3;
/** Of a message beside its body, alone in its record, and of its ack; reclaiming lets a journal be twice what lives. */
const RECORD_BYTES = 96;
const JOURNAL_GROWTH = 2;

export interface BrokerNeeds extends Pick<BrokerSettings, "memory"> {
  /** Messages that are published to it in all. Default: those of the workload, and as many to warm up. */
  readonly messages?: number;
}

/** What a run has at hand. */
export class Bench {
  constructor(readonly parameters: Parameters) {}

  /** The level of the broker as a CONFIRM tells it. */
  get durability(): number {
    return Durability[this.parameters.durability];
  }

  startBroker({ memory, messages = this.parameters.messages * 2 }: BrokerNeeds = {}): Promise<Broker> {
    const { pin, shards, profile, durability, data, bytes } = this.parameters;
    const room = messages * (bytes + RECORD_BYTES) * JOURNAL_GROWTH + JOURNAL_BYTES;
    return Broker.start({
      cpus: pin?.broker,
      shards,
      profile,
      memory,
      durability,
      data: { parent: data, bytes: room },
    });
  }

  startLoad(): LoadProcess {
    return new LoadProcess(this.parameters.pin?.load);
  }
}

/** Does `work` and tells what CPU time the server spent meanwhile. */
export const charge = async <Outcome>(
  pid: number,
  work: () => Promise<Outcome>,
): Promise<{ readonly outcome: Outcome; readonly cpu: CpuTime }> => {
  const start = cpuTime(pid);
  const outcome = await work();
  return { outcome, cpu: cpuSince(pid, start) };
};

/** The figures that every result has. `others` are further processes of the same load. */
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

/** At most `messages`, and no more than fit in about 1.5 GiB: a broker refuses what its memory does not hold. */
export const fitting = (messages: number, bytes: number): number =>
  Math.max(1, Math.min(messages, Math.floor((1.5 * 1024 ** 3) / (bytes + 4))));

/** At most `batch`, and frames of about 256 KiB at most. */
export const fittingBatch = (batch: number, bytes: number): number =>
  Math.max(1, Math.min(batch, Math.floor((256 * 1024) / (bytes + 4))));
