import { describe, expect, it } from "vitest";
import { AnswerTurns, type Asker } from "../../../../src/main/front-ends/gmq/answer-turns.js";
import type { AnswerFrame, AnswerHandler } from "../../../../src/main/native/answer-frame.js";
import { HEAD } from "../../../../src/protocol/frame.js";
import { packHead } from "../../../../src/protocol/head.js";
import { Answer, Op } from "../../../../src/protocol/op.js";

const answerOf = (bytes: Buffer): AnswerFrame => ({
  op: Answer.RESULT,
  flags: 0,
  request: 1,
  bytes,
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
  headStart: HEAD,
  headEnd: HEAD + 1,
  payloadStart: HEAD + 1,
  payloadEnd: bytes.length,
});

/** A session whose answers are in the hands of the test. */
const open = () => {
  const asked: AnswerHandler[] = [];
  const turns = new AnswerTurns();
  const session: Asker = { request: (_op, _flags, _head, _payload, onAnswer) => asked.push(onAnswer) };
  const ask = (onAnswer: AnswerHandler): void => turns.request(session, Op.TOPICS, packHead([0]), onAnswer);
  return { asked, ask };
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("large answers", () => {
  it("that come together have a turn each, in order, whatever becomes of the bytes meanwhile", async () => {
    const { asked, ask } = open();
    const seen: string[] = [];
    for (let i = 0; i < 5; i++) {
      ask(({ bytes, headStart, payloadStart, payloadEnd }) => {
        seen.push(`${bytes[headStart]} ${bytes[payloadStart]} ${bytes[payloadEnd - 1]} ${payloadEnd - payloadStart}`);
      });
    }
    asked.forEach((onAnswer, i) => {
      const bytes = Buffer.alloc(HEAD + 1 + 100_000, i);
      onAnswer(answerOf(bytes));
      bytes.fill(0xff);
    });
    expect(seen).toEqual([]);
    for (let i = 0; i < 5; i++) {
      await turn();
      expect(seen).toHaveLength(i + 1);
    }
    expect(seen).toEqual([0, 1, 2, 3, 4].map((i) => `${i} ${i} ${i} 100000`));
  });

  it("are few at a time; the others are asked for when those have been read", async () => {
    const { asked, ask } = open();
    let read = 0;
    for (let i = 0; i < 20; i++) ask(() => read++);
    expect(asked).toHaveLength(8);
    asked[0]?.(answerOf(Buffer.alloc(100)));
    expect([read, asked.length]).toEqual([1, 9]);
    asked[1]?.(answerOf(Buffer.alloc(100_000)));
    expect([read, asked.length]).toEqual([1, 9]);
    await turn();
    expect([read, asked.length]).toEqual([2, 10]);
  });
});
