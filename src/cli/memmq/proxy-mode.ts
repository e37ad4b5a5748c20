/** `memmq --proxy`. */
import { CertificateError } from "../../main/certificate-error.js";
import { ListenError } from "../../main/listen-error.js";
import { formatAddress } from "../../main/ports/listening.js";
import { StartError } from "../../main/shards/start-error.js";
import { MAX_MESSAGE_BYTES } from "../../protocol/limits.js";
import { MemmqProxy } from "../../proxy/proxy.js";
import { stopOnSignal } from "../server-process.js";
import { warnOfOpenPort, withMemmqFlags } from "./listening.js";
import type { ProxySettings } from "./memmq-settings.js";
import type { Program } from "./program.js";
import { statusLines, upstreamClient } from "./upstream-client.js";

/** Resolves when it listens; the process runs until it is told to stop. */
export const runProxy = async ({ listen, upstream }: ProxySettings, program: Program): Promise<void> => {
  const { log } = program;
  warnOfOpenPort(listen, program);
  const status = statusLines(
    (text) => log.warn({}, text),
    (text) => log.info({}, text),
  );
  const client = upstreamClient(upstream, program, status);
  let proxy: MemmqProxy | undefined;
  const manager = stopOnSignal({
    name: "the proxy",
    log,
    close: () => proxy?.close() ?? client.close(),
    reload: () => log.info({}, "SIGHUP: there is nothing to read again"),
  });
  try {
    proxy = await MemmqProxy.start({
      address: listen.address,
      transport: listen.transport,
      tls: listen.certificate ?? "self-signed",
      httpEngine: "auto",
      client,
      maxMessageBytes: MAX_MESSAGE_BYTES,
      log,
    });
  } catch (error) {
    if (error instanceof CertificateError) {
      return program.refuse(withMemmqFlags(error.message));
    }
    if (error instanceof ListenError || error instanceof StartError) return program.fail(error.message);
    throw error;
  }
  const address = formatAddress(proxy.address);
  const where = listen.transport === "grpc" ? `gRPC       ${address}, over TLS` : `https://${address}`;
  process.stdout.write(`memmq is a proxy of ${upstream.servers.join(", ")}\n  ${where}\n`);
  manager.ready();
};
