/** A certificate that a broker cannot use. */
import { OptionError } from "./option-checks.js";
import type { TlsFiles } from "./options.js";

/** Where in the options the files of a port are. */
export type TlsOptionName = "tcpTls" | "httpTls" | "grpcTls";

/** A file of a certificate cannot be used. The text tells which and why; `option` is its place in the options. */
export class CertificateError extends OptionError {
  override readonly name = "CertificateError";
  declare readonly option: `${TlsOptionName}.${keyof TlsFiles}`;

  constructor(option: CertificateError["option"], text: string, cause?: unknown) {
    super(option, `must be ${text}`, { cause });
  }
}
