/** What connections share, with real rings whose other ends are in the hands of a test. */

import { EnvelopeOp, packEnvelope } from "../../src/channel/envelope.js";
import { allocateRing } from "../../src/channel/ring.js";
import { RingReader } from "../../src/channel/ring-reader.js";
import { RingWriter } from "../../src/channel/ring-writer.js";
import { Access } from "../../src/main/access/access.js";
import { SILENT } from "../../src/main/log.js";
import { AssemblyMemory } from "../../src/main/native/assembly.js";
import { CallDesk, systemSchedule } from "../../src/main/native/call-desk.js";
import { NativeConnection } from "../../src/main/native/connection.js";
import type { ConnectionContext } from "../../src/main/native/connection-context.js";
import type { ConnectionKind } from "../../src/main/native/connection-kind.js";
import { helloHead } from "../../src/main/native/handshake.js";
import { OutboxDrain } from "../../src/main/native/outbox-drain.js";
import { OutputPool } from "../../src/main/native/output-pool.js";
import type { Transport } from "../../src/main/native/transport.js";
import { UnsentBudget } from "../../src/main/native/unsent-budget.js";
import { WaitingInput } from "../../src/main/native/waiting-input.js";
import { type BrokerOptions, resolveOptions } from "../../src/main/options.js";
import { RingLink } from "../../src/main/shards/ring-link.js";
import { Router } from "../../src/main/shards/router.js";
import type { ShardLink } from "../../src/main/shards/shard-link.js";
import { ProtocolError } from "../../src/protocol/errors.js";
import { type Frame, splitFrames } from "./frames.js";

/** A record as a shard finds it in its inbox. */
export interface Arrived {
  readonly envelope: readonly number[];
  readonly frames: readonly Frame[];
}

export interface TestShard {
  readonly link: ShardLink;
  /** What has come since the last call. */
  readonly read: () => Arrived[];
  /** Sends frames to a connection. */
  readonly answer: (connection: number, ...frames: readonly Buffer[]) => void;
  /** Sends frames to several connections. */
  readonly fanOut: (connections: readonly number[], ...frames: readonly Buffer[]) => void;
}

export interface TestSwitchboard {
  readonly open: (transport: Transport, kind?: ConnectionKind) => NativeConnection;
  /** The broker stops, and this shard has ended. */
  readonly endShard: (shard: number) => void;
  readonly shards: readonly TestShard[];
  readonly waiting: WaitingInput;
  /** Those that answers of shards find. */
  readonly connections: ReadonlyMap<number, NativeConnection>;
}

/** The side of a session that leaves nothing behind. */
export const SESSION: ConnectionKind = {
  session: { maxInFlight: 65_536, unanswered: { unansweredPops: () => [], nextRequest: () => 1 } },
};

/** What a test has instead of `Backups`. */
export type TestBackup = ConnectionContext["backup"];

const noBackup: TestBackup = () => Promise.reject(new ProtocolError("NOT_ALLOWED", "not here"));

export const testSwitchboard = async (
  given: Partial<BrokerOptions> = {},
  backup: TestBackup = noBackup,
): Promise<TestSwitchboard> => {
  const options = resolveOptions({ shards: 1, ringBytes: 64 * 1024, ...given });
  const connections = new Map<number, NativeConnection>();
  const deliveries = new OutboxDrain((id) => connections.get(id), SILENT);
  const shards = Array.from({ length: options.shards }, (_, shard): TestShard => {
    const memory = { inbox: allocateRing(options.ringBytes), outbox: allocateRing(options.ringBytes) };
    const inbox = new RingReader(memory.inbox, options.maxFrameBytes + 4);
    const outbox = new RingWriter(memory.outbox);
    const send = (envelope: readonly number[], frames: readonly Buffer[]): void => {
      const bytes = Buffer.concat(frames);
      if (!outbox.tryWrite(packEnvelope(envelope), bytes, 0, bytes.length)) throw new Error("the outbox is full");
    };
    return {
      link: new RingLink(shard, memory, options.maxFrameBytes * 2, deliveries, (error) => {
        throw error;
      }),
      read: () => {
        const arrived: Arrived[] = [];
        inbox.drain((envelope, bytes, _view, start, end) => {
          const { frames } = splitFrames(Buffer.from(Uint8Array.from(bytes.subarray(start, end))));
          arrived.push({ envelope: [...envelope], frames });
        }, Number.POSITIVE_INFINITY);
        return arrived;
      },
      answer: (connection, ...frames) => send([EnvelopeOp.FRAMES, connection], frames),
      fanOut: (ids, ...frames) => send([EnvelopeOp.FAN_OUT, ...ids], frames),
    };
  });
  const links: (ShardLink | undefined)[] = shards.map(({ link }) => link);
  let isClosing = false;
  let last = 0;
  const waiting = new WaitingInput(options.maxAssemblyBytes);
  const context: ConnectionContext = {
    options,
    router: await Router.create(options.shards),
    links,
    down: [],
    assembly: new AssemblyMemory(options.maxAssemblyBytes),
    pool: new OutputPool(),
    unsent: new UnsentBudget(options.maxUnsentBytes, SILENT),
    waiting,
    calls: new CallDesk(options, systemSchedule(), SILENT),
    access: new Access(options.users, SILENT),
    connections: { page: () => ({ connections: [], more: false }), find: (id) => connections.get(id) },
    now: Date.now,
    get isClosing() {
      return isClosing;
    },
    hello: helloHead(options),
    saidHello: () => {},
    closed: ({ id }, isAwaited) => void (isAwaited || connections.delete(id)),
    history: undefined,
    watch: undefined,
    backup,
  };
  return {
    shards,
    waiting,
    endShard: (shard) => {
      isClosing = true;
      links[shard] = undefined;
    },
    open: (transport, kind = { hasSaidHello: true }) => {
      last++;
      const connection = new NativeConnection(last, transport, context, kind);
      connections.set(connection.id, connection);
      return connection;
    },
    connections,
  };
};

/** A transport in memory: keeps what it is given, and says that so much of it has not left. */
export class MemoryTransport implements Transport {
  readonly framed: boolean = false;
  readonly canPause: boolean = true;
  readonly protocol = "memory";
  readonly address = "a test";
  readonly writes: Buffer[] = [];
  buffered = 0;
  isPaused = false;
  hasEnded = false;
  isDestroyed = false;

  write(bytes: Buffer): boolean {
    this.writes.push(Buffer.from(bytes));
    return true;
  }

  get frames(): Frame[] {
    return splitFrames(Buffer.concat(this.writes)).frames;
  }

  bufferedBytes(): number {
    return this.buffered;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.hasEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

/** Until something is so: promises of shared memory are settled in turns of the event loop. */
export const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
};
