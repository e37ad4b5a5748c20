/** An app of uWebSockets.js that speaks TLS. It takes names of files, which it reads before it answers. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Certificate } from "../certificate.js";
import type { Uws, UwsApp } from "./uws-types.js";

/** @throws Error for clients that are to have a certificate: it lets in those that present none, whatever it is told */
export const secureApp = (uws: Uws, { files, settings }: Certificate): UwsApp => {
  if (settings.requestCert) throw new Error("uWebSockets.js does not turn clients without a certificate away");
  if (files !== undefined) return uws.SSLApp({ cert_file_name: files.certFile, key_file_name: files.keyFile });
  // Nobody else may look into this directory, and it is gone in a moment.
  const directory = mkdtempSync(join(tmpdir(), "ringmq-"));
  try {
    const [cert_file_name, key_file_name] = [join(directory, "certificate.pem"), join(directory, "key.pem")];
    writeFileSync(cert_file_name, settings.cert);
    writeFileSync(key_file_name, settings.key, { mode: 0o600 });
    return uws.SSLApp({ cert_file_name, key_file_name });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
