/**
 * A program, `bare-http.js ANSWER`: an HTTP server that does the least for a push. Its uWebSockets.js handler reads the
 * body and answers with the given bytes. It prints its URL.
 */
import uWS from "uWebSockets.js";

const MAX_BODY_BYTES = 16 * 1024 * 1024;
const answer = process.argv[2] ?? "";

uWS
  .App()
  .post("/push", (response) => {
    let size = 0;
    response.onAborted(() => {});
    response.onData((chunk, last) => {
      size += chunk.byteLength;
      if (size > MAX_BODY_BYTES) response.close();
      else if (last) response.cork(() => response.writeHeader("Content-Type", "application/json").end(answer));
    });
  })
  .listen("127.0.0.1", 0, (socket) => {
    if (socket === false) throw new Error("cannot listen");
    process.stdout.write(`http://127.0.0.1:${uWS.us_socket_local_port(socket)}\n`);
  });

process.once("SIGTERM", () => process.exit());
