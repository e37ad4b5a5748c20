/**
 * A program, `bare-http.js uws|node ANSWER`: an HTTP server that does the least for a push, on the library that the broker's
 * HTTP uses. Its handler reads the body and answers with the given bytes. It prints its URL.
 */
import { createServer } from "node:http";

const MAX_BODY_BYTES = 16 * 1024 * 1024;
const TYPE = "application/json";
const [engine, answer = ""] = process.argv.slice(2);

const say = (port: number): void => void process.stdout.write(`http://127.0.0.1:${port}\n`);

/** What is used here of uWebSockets.js, which need not be installed. */
interface Response {
  onAborted(handler: () => void): void;
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): void;
  cork(callback: () => void): void;
  writeHeader(name: string, value: string): { end(body: string): void };
  close(): void;
}
interface App {
  post(path: string, handler: (response: Response) => void): App;
  listen(host: string, port: number, callback: (socket: object | false) => void): void;
}
interface Library {
  App(): App;
  us_socket_local_port(socket: object): number;
}

const serveWithUws = async (): Promise<void> => {
  const { default: uws }: { default: Library } = await import("uWebSockets.js" as string);
  uws
    .App()
    .post("/push", (response) => {
      let size = 0;
      response.onAborted(() => {});
      response.onData((chunk, isLast) => {
        size += chunk.byteLength;
        if (size > MAX_BODY_BYTES) response.close();
        else if (isLast) response.cork(() => response.writeHeader("Content-Type", TYPE).end(answer));
      });
    })
    .listen("127.0.0.1", 0, (socket) => {
      if (socket === false) throw new Error("cannot listen");
      say(uws.us_socket_local_port(socket));
    });
};

const serveWithNode = (): void => {
  const headers = ["Content-Type", TYPE, "Content-Length", String(Buffer.byteLength(answer))];
  const server = createServer((request, response) => {
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) request.destroy();
    });
    request.once("end", () => response.writeHead(200, headers).end(answer));
  });
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    if (typeof address === "object" && address !== null) say(address.port);
  });
};

process.once("SIGTERM", () => process.exit());
if (engine === "node") serveWithNode();
else await serveWithUws();
