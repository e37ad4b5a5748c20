/** The samples of several nodes, some of which refuse. What comes is in test/e2e/client-nodes-messages.test.ts. */
import { expect, it } from "vitest";
import { ERRORS } from "../../../src/protocol/errors.js";
import { Op } from "../../../src/protocol/op.js";
import { error, type ScriptedBroker } from "../scripted-broker.js";
import { twoNodes } from "./scripted-nodes.js";

const refuseToBeWatched = (broker: ScriptedBroker): void => {
  broker.answer = ({ op, request }) => {
    if (op === Op.WATCH) broker.send(error(request, ERRORS.FORBIDDEN.code, "not you", false, false));
  };
};

it("rejects as the last node does when none lets it watch", async () => {
  const { client, first, second } = await twoNodes();
  for (const broker of [first, second]) refuseToBeWatched(broker);
  await expect(client.watch()).rejects.toMatchObject({ code: "FORBIDDEN", message: "not you" });
});

it("rejects after its client was closed", async () => {
  const { client } = await twoNodes();
  await client.close();
  await expect(client.watch()).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
  await expect(client.connections().next()).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
  await expect(client.history("t", "1")).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
  expect(() => client.find("t")).toThrow("closed");
});
