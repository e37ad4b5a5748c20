import { once } from "node:events";
import { createServer } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { ListenError } from "../../../src/main/listen-error.js";
import { listenOn } from "../../../src/main/ports/listening.js";

it("can be tried again and again while the port is somebody else's", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  onTestFinished(() => void other.close());
  const address = other.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const server = createServer();
  onTestFinished(() => void server.close());
  for (let i = 0; i < 3; i++) {
    await expect(listenOn(server, "TCP", { host: "127.0.0.1", port })).rejects.toBeInstanceOf(ListenError);
  }
  expect([server.listenerCount("listening"), server.listenerCount("error")]).toEqual([0, 0]);
  other.close();
  await once(other, "close");
  expect((await listenOn(server, "TCP", { host: "127.0.0.1", port })).port).toBe(port);
});
