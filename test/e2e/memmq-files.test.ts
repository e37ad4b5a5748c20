/** What `memmq --persist` writes to files for those who read files, over kills and hostile names. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { portOf, publisher, stop } from "./memmq-servers.js";
import { Shell } from "./shell.js";

const MESSAGES = 30;
const START = "memmq --persist --address=localhost:0";

/** The payloads in a topic's file, in their order. A last line that is half written while it is read does not count. */
const payloadsOf = (file: string): string[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => Buffer.from((JSON.parse(line) as { payload: string }).payload, "base64").toString());

it("a file for each topic holds what was answered, once and in order, after kills; no topic leaves the directory", async () => {
  const shell = new Shell();
  const example = join(shell.directory, "example.mq");
  const answered: string[] = [];
  const certificates = new Set<string>();
  for (let round = 0; round < 3; round++) {
    const server = shell.program(START);
    const publish = publisher(await portOf(server));
    const more = async (): Promise<void> => {
      const body = `message ${answered.length}`;
      expect(await publish("example", body)).toBe(200);
      answered.push(body);
    };
    certificates.add(readFileSync(join(shell.directory, "memmq-data", "certificate.pem"), "utf8"));
    for (let i = 0; i < MESSAGES; i++) await more();
    // Killed before anything of the round is written, while it is, and after.
    while (round > 0 && (!existsSync(example) || payloadsOf(example).length < (round - 1) * MESSAGES + 1)) await more();
    server.child.kill("SIGKILL");
    await server.exit;
  }
  const server = shell.program(START);
  const publish = publisher(await portOf(server));
  for (const topic of ["../up", "/etc/memmq", "..", "%2e%2e", "100%"]) expect(await publish(topic, "x")).toBe(200);
  // What is not written yet is written when it stops.
  expect(await stop(server)).toBe(0);
  expect(payloadsOf(example)).toEqual(answered);
  expect(certificates.size).toBe(1);
  expect(readFileSync(join(shell.directory, "%2E.%2Fup.mq"), "utf8")).toMatch(
    /^\{"timestamp":\d{19},"topic":"\.\.\/up","payload":"eA=="\}\n$/,
  );
  const others = ["%252e%252e.mq", "%2E..mq", "%2E.%2Fup.mq", "%2Fetc%2Fmemmq.mq", "100%25.mq"];
  expect(readdirSync(shell.directory).sort()).toEqual([...others, "example.mq", "memmq-data"].sort());
});
