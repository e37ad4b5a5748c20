/** Sessions whose client and shard are in the hands of a test. */
import { type Log, SILENT } from "../../src/main/log.js";
import type { AnswerFrame } from "../../src/main/native/answer-frame.js";
import type { NativeConnection } from "../../src/main/native/connection.js";
import type { Session } from "../../src/main/native/session.js";
import type { SessionClient } from "../../src/main/native/session-client.js";
import { type SessionKind, Sessions } from "../../src/main/native/sessions.js";
import { packHead, unpackHead } from "../../src/protocol/head.js";
import { Answer, Op } from "../../src/protocol/op.js";
import { entries, frame } from "./frames.js";
import { type TestShard, testSwitchboard, until } from "./switchboard.js";

export const MAX_FRAME = 50_000;

/** A client whose socket is in the hands of the test. */
export class TestClient implements SessionClient {
  readonly canPause: boolean = false;
  session: Session | undefined;
  unsent = 0;
  isPaused = false;
  proceeded = 0;
  readonly ends: string[] = [];

  unsentBytes(): number {
    return this.unsent;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  proceed(): void {
    this.proceeded++;
  }

  end(): void {
    this.ends.push("end");
    this.session?.closed();
  }

  destroy(): void {
    this.ends.push("destroy");
    this.session?.closed();
  }

  sweep(): void {}
}

export class PausableClient extends TestClient {
  override readonly canPause = true;
}

export const openSession = async (log: Log = SILENT, options: Partial<SessionKind> = {}, client = new TestClient()) => {
  const board = await testSwitchboard({
    maxFrameBytes: MAX_FRAME,
    maxMessageBytes: 40_000,
    maxOutgoingBytes: 64 * 1024,
  });
  const sessions = new Sessions(MAX_FRAME, log);
  const identity = { protocol: "test", address: "192.0.2.1:5", credential: undefined };
  const connections: NativeConnection[] = [];
  const add = (to = client, kind = options): Session => {
    to.session = sessions.open({ identity, inOrder: false, maxInFlight: 1_000, ...kind }, to, (transport, session) => {
      const connection = board.open(transport, { session });
      connections.push(connection);
      return connection;
    });
    return to.session;
  };
  const session = add();
  const [shard] = board.shards;
  const [connection] = connections;
  if (shard === undefined || connection === undefined) throw new Error("there is a shard and a session");
  return { board, sessions, session, connection, client, shard, add };
};

/** What an answer says, copied out. */
export const copyOf = (answer: AnswerFrame) => ({
  op: answer.op,
  flags: answer.flags,
  head: unpackHead(answer.bytes, answer.headStart, answer.headEnd),
  payload: Buffer.from(answer.bytes.subarray(answer.payloadStart, answer.payloadEnd)),
  receiptBytes: answer.payloadEnd - answer.payloadStart,
});

export type Copy = ReturnType<typeof copyOf>;

export const ask = (session: Session, answers: Map<string, Copy>, name: string, payload?: Uint8Array): number =>
  session.request(Op.PUBLISH, 0, packHead([name]), payload ?? entries("x"), (answer) => {
    answers.set(name, copyOf(answer));
  });

export const readOnce = async (shard: TestShard) => {
  const arrived: ReturnType<TestShard["read"]> = [];
  await until(() => {
    arrived.push(...shard.read());
    return arrived.length > 0;
  });
  return arrived;
};

export const receipt = (request: number, requests: number, low: number, messages: number): Buffer => {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32BE(request, 0);
  bytes.writeUInt32BE(requests, 4);
  bytes.writeUInt32BE(low === 0 ? 0 : 77, 8);
  bytes.writeUInt32BE(low, 12);
  bytes.writeUInt32BE(messages, 16);
  return bytes;
};

/** A MESSAGES with one run of one message. */
export const messages = (request: number, body: string, delivery = 7, idLow = 5): Buffer => {
  const bytes = entries(body);
  const run = Buffer.alloc(32);
  run.writeUInt32BE(77, 0);
  run.writeUInt32BE(idLow, 4);
  run.writeUInt32BE(1, 8);
  run.writeUInt32BE(bytes.length, 12);
  run.writeUInt32BE(delivery, 16);
  return frame(Answer.MESSAGES, request, [], Buffer.concat([run, bytes]));
};

export const confirm = (request: number): Buffer => frame(Answer.CONFIRM, 0, [], receipt(request, 1, 0, 0), 1);

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What a shard is sent, until so many records have come. */
export const arrivals = async (shard: TestShard, count: number) => {
  const arrived: ReturnType<TestShard["read"]> = [];
  await until(() => {
    arrived.push(...shard.read());
    return arrived.length >= count;
  });
  return arrived;
};
