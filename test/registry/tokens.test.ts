/** A registry with tokens: who shows one may do all, who shows none may ping. */
import { describe, expect, it } from "vitest";
import { hashOf } from "../../src/main/access/token-hash.js";
import { listRegistered } from "../../src/registry/discovery/index.js";
import { ask, openNode, registration, SUCCESS, testAnnouncement, testRegistry, urlOf } from "./nodes.js";

const TOKEN = "ringmq_of-the-registry";
const TOKENS = [{ hash: hashOf(TOKEN) }];
const UNKNOWN = '{"code":1,"data":null,"msg":"a token of this registry is needed: Authorization: Bearer …"}';
const POLL = { interval: 10, timeout: 10_000 };

describe("a registry with tokens", () => {
  it("answers everybody /ping, and nobody anything else without a token", async () => {
    const registry = await testRegistry({ tokens: TOKENS });
    const node = await openNode(1);
    expect(await ask(registry, "/ping")).toBe("OK");
    const paths = [
      "/getNodes",
      registration(node),
      "/unregister?tcp_addr=x:1",
      "/editWeight?tcp_addr=x:1&weight=2",
      "/x",
    ];
    for (const path of paths) {
      const answer = await fetch(urlOf(registry) + path);
      expect([path, answer.status, answer.headers.get("www-authenticate"), await answer.text()]).toEqual([
        path,
        401,
        "Bearer",
        UNKNOWN,
      ]);
    }
    for (const authorization of [`Bearer ${TOKEN}x`, `Bearer ${hashOf(TOKEN)}`, "Bearer", "Digest x"]) {
      const answer = await fetch(`${urlOf(registry)}/getNodes?access_token=${TOKEN}`, { headers: { authorization } });
      expect([authorization, answer.status]).toEqual([authorization, 401]);
    }
    expect(node.requests).toEqual([]);
  });

  it("takes it in the header, as a password, and in the query", async () => {
    const registry = await testRegistry({ tokens: [...TOKENS, { hash: hashOf("other") }] });
    const node = await openNode(1);
    expect(await ask(registry, `${registration(node)}&access_token=${TOKEN}`)).toBe(SUCCESS);
    for (const authorization of [`Bearer ${TOKEN}`, "bearer other", `Basic ${btoa(`x:${TOKEN}`)}`]) {
      const answer = await fetch(`${urlOf(registry)}/getNodes`, { headers: { authorization } });
      expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining(node.tcpAddress)]);
    }
  });

  it("no longer takes one whose time is over", async () => {
    const registry = await testRegistry({ tokens: [{ hash: hashOf(TOKEN), expires: new Date(1_000) }] });
    await expect(listRegistered(urlOf(registry), { token: TOKEN })).rejects.toThrow(
      "a token of this registry is needed",
    );
  });

  it("lists nodes that show it, to clients that do", async () => {
    const registry = await testRegistry({ tokens: TOKENS });
    const [one, other] = [await openNode(1), await openNode(2)];
    testAnnouncement(one, { registries: [urlOf(registry)] });
    const announcement = testAnnouncement(other, { registries: [urlOf(registry)], token: TOKEN });
    const ids = async (): Promise<number[]> =>
      (await listRegistered(urlOf(registry), { token: TOKEN })).map(({ id }) => id);
    await expect.poll(ids, POLL).toEqual([2]);
    await expect(listRegistered(urlOf(registry))).rejects.toThrow("a token of this registry is needed");
    await announcement.close();
    expect(await ids()).toEqual([]);
  });

  it("warns where others reach it without a token, or can read the token on its way", async () => {
    const warned = async (options: Partial<Parameters<typeof testRegistry>[0]>): Promise<string[]> => {
      const warnings: string[] = [];
      const log = {
        debug: () => {},
        info: () => {},
        error: () => {},
        warn: (_: object, text: string) => void warnings.push(text),
      };
      await testRegistry({ log, ...options });
      return warnings;
    };
    const http = { host: "0.0.0.0", port: 0 };
    expect(await warned({})).toEqual([]);
    expect(await warned({ http })).toEqual([expect.stringMatching(/^anybody who reaches this address/)]);
    expect(await warned({ http, tokens: TOKENS })).toEqual([expect.stringMatching(/^tokens .* can be read/)]);
  });

  it("does not start with what is no hash, and does not repeat it", async () => {
    const started = testRegistry({ tokens: [{ hash: TOKEN }] });
    await expect(started).rejects.toThrow("tokens[0].hash must be sha256: and 64 hex digits");
    await expect(started).rejects.not.toThrow(TOKEN);
  });
});
