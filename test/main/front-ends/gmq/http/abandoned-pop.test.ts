import { request } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { EnvelopeOp } from "../../../../../src/channel/envelope.js";
import { popRoute } from "../../../../../src/main/front-ends/gmq/http/pop-ack.js";
import { SILENT } from "../../../../../src/main/log.js";
import { Sessions } from "../../../../../src/main/native/sessions.js";
import { HttpExchange } from "../../../../../src/main/ports/http/exchange.js";
import { HttpSessions } from "../../../../../src/main/ports/http/sessions.js";
import { UnsentAnswers } from "../../../../../src/main/ports/http/unsent-answers.js";
import { Op } from "../../../../../src/protocol/op.js";
import { ENGINES, openHost } from "../../../ports/http/engines.js";
import { testSwitchboard, until } from "../../../switchboard.js";
import { arrivals, confirm, messages } from "../../../test-session.js";

describe.each(ENGINES)("%s", (_, makeEngine) => {
  it("a pop whose client goes ends its session, and gives back what comes late; the next has another", async () => {
    const board = await testSwitchboard();
    const sessions = new Sessions(1 << 20, SILENT);
    const httpSessions = new HttpSessions((kind, client) =>
      sessions.open(kind, client, (transport, session) => board.open(transport, { session })),
    );
    const pop = popRoute(httpSessions, new UnsentAnswers());
    const engine = makeEngine(openHost(SILENT));
    onTestFinished(() => engine.close());
    engine.add("any", "/*", (_, response) => void pop(new HttpExchange(response), "topic=topic"));
    const { port } = await engine.open({ host: "127.0.0.1", port: 0 });
    const [shard] = board.shards;
    if (shard === undefined) throw new Error("there is a shard");
    const ask = () => {
      const outgoing = request({ host: "127.0.0.1", port, agent: false });
      outgoing.on("error", () => {});
      outgoing.end();
      return outgoing;
    };

    const abandoned = ask();
    const [popped] = await arrivals(shard, 1);
    const id = popped?.envelope[1] ?? 0;
    abandoned.destroy();
    const [left, fence] = await arrivals(shard, 2);
    expect(left?.envelope).toEqual([EnvelopeOp.DISCONNECT, id]);
    shard.answer(id, messages(popped?.frames[0]?.request ?? 0, "late"));
    const [back] = await arrivals(shard, 1);
    expect(back?.frames.map(({ op, head }) => [op, head])).toEqual([[Op.RELEASE, ["topic", ""]]]);
    shard.answer(id, confirm(fence?.frames[0]?.request ?? 0));
    await until(() => board.connections.size === 0);
    expect([httpSessions.size, sessions.size]).toEqual([0, 0]);

    const next = ask();
    // Behind the word that the shard is to forget the first.
    const [, again] = await arrivals(shard, 2);
    expect(again?.envelope[1]).not.toBe(id);
    next.destroy();
  });
});
