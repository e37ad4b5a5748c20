/** The console of whoever has one, on a real port: pages that are not built, hosts that take their time. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { Access } from "../../../src/main/access/access.js";
import { type ConsoleHost, ConsoleSite } from "../../../src/main/console/console-site.js";
import { pageFiles } from "../../../src/main/console/page-files.js";
import { SILENT } from "../../../src/main/log.js";
import { AddressShares } from "../../../src/main/ports/address-shares.js";
import { Admission } from "../../../src/main/ports/http/admission.js";
import { HttpEntrance } from "../../../src/main/ports/http/entrance.js";
import { HttpGuard } from "../../../src/main/ports/http/guard.js";
import { makeDirectory, removeDirectory } from "../../directories.js";
import { isAnswered, sendRaw, statusOf } from "../../e2e/raw-http.js";
import { ENGINES, openHost } from "../ports/http/engines.js";

const directory = (): string => {
  const path = makeDirectory();
  onTestFinished(() => removeDirectory(path));
  return path;
};

/** Of many nodes, which know a token after they were asked. */
const host = (identify: ConsoleHost<string>["identify"]): ConsoleHost<string> => ({
  kind: "nodes",
  version: "1.2.3",
  isTls: false,
  isOpenToAll: false,
  identify,
  describe: (who) => ({ login: who === undefined, user: null }),
  refused: () => 50,
  ownerOf: (who) => who,
  isOver: () => false,
  ended: () => {},
  now: () => 0,
});

describe.each(ENGINES)("%s", (_, makeEngine) => {
  const open = async (page: string, identify: ConsoleHost<string>["identify"] = () => undefined) => {
    const engine = makeEngine(openHost(SILENT));
    onTestFinished(() => engine.close());
    const guard = new HttpGuard({ listensOn: "127.0.0.1", allowOrigin: [], allowHost: [] });
    const shares = new AddressShares(100);
    const admission = new Admission({ isFull: false, shares, reserve: () => true, release: () => {} });
    const entrance = new HttpEntrance(
      engine,
      guard,
      admission,
      SILENT,
      (text) => JSON.stringify(text),
      new Access([], SILENT),
    );
    const site = new ConsoleSite(entrance, pageFiles(pathToFileURL(`${page}/`)), host(identify));
    entrance.add("/ping", (exchange) => exchange.reply(undefined, undefined, "OK"));
    entrance.addRest();
    const { port } = await engine.open({ host: "127.0.0.1", port: 0 });
    return { site, port, engine };
  };

  const get = (port: number, path: string): Promise<string> =>
    sendRaw(port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`, isAnswered);

  const login = (token: string): string => {
    const body = JSON.stringify({ token });
    return (
      "POST /console/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
      `Content-Length: ${body.length}\r\n\r\n${body}`
    );
  };

  it("says so where the page is not built", async () => {
    const { port } = await open(join(directory(), "none"));
    expect(await get(port, "/console/")).toMatch(/^HTTP\/1\.1 404 Not Found\r\n.*not part of this build\n$/s);
    expect(await get(port, "/console/session")).toContain('{"kind":"nodes","login":true');
  });

  it("serves the files that were there when it began, whatever becomes of them", async () => {
    const page = directory();
    mkdirSync(join(page, "assets"));
    writeFileSync(join(page, "index.html"), "<title>old</title>");
    writeFileSync(join(page, "assets/a-1.css"), "a{}");
    const { port } = await open(page);
    rmSync(join(page, "assets/a-1.css"));
    writeFileSync(join(page, "assets/a-2.css"), "b{}");
    writeFileSync(join(page, "index.html"), "<title>new</title>");
    expect(await get(port, "/console/")).toMatch(/<title>old<\/title>$/);
    expect(await get(port, "/console/assets/a-1.css")).toMatch(/a\{\}$/);
    expect(statusOf(await get(port, "/console/assets/a-2.css"))).toBe(404);
  });

  it("waits for a host that has to ask whose a token is, and logs nobody in who has gone meanwhile", async () => {
    const asked: (() => void)[] = [];
    const answers: (() => void)[] = [];
    const { port, site, engine } = await open(directory(), (token) => {
      const answer = new Promise<string>((resolve) => answers.push(() => resolve(token)));
      asked.shift()?.();
      return answer;
    });
    const nextAsked = (): Promise<void> => new Promise((resolve) => asked.push(resolve));
    const first = nextAsked();
    const text = sendRaw(port, login("good"), isAnswered);
    await first;
    expect(site.logins).toBe(0);
    answers[0]?.();
    expect(await text).toMatch(/^Set-Cookie: ringmq=[\w-]{43}; /m);
    expect(site.logins).toBe(1);
    const second = nextAsked();
    const leaving = connect(port, "127.0.0.1", () => leaving.write(login("gone")));
    await second;
    leaving.destroy();
    while (engine.plain > 0) await new Promise((resolve) => setImmediate(resolve));
    answers[1]?.();
    await get(port, "/ping");
    expect(site.logins).toBe(1);
  });

  it("puts the refusals off of who has been refused often, and nobody else's answers", async () => {
    const { port } = await open(directory());
    const order: string[] = [];
    const refused = sendRaw(port, login("wrong"), isAnswered).then((text) => order.push(`refused ${statusOf(text)}`));
    await get(port, "/ping").then(() => order.push("answered"));
    await refused;
    expect(order).toEqual(["answered", "refused 401"]);
  });
});
