/** The certificate with which a port speaks TLS: read from its files, and checked before anybody is shown it. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { CertificateError, type TlsOptionName } from "../certificate-error.js";
import type { Log } from "../log.js";
import type { BrokerOptions, TlsFiles } from "../options.js";
import { whyUnreadable } from "../unreadable.js";

/** What node:tls and node:https need. */
export interface TlsSettings {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer | undefined;
  readonly minVersion: "TLSv1.2";
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
}

export interface Certificate {
  /** Undefined: it is in no file that an engine could read. */
  readonly files: TlsFiles | undefined;
  readonly settings: TlsSettings;
  /** Of the broker's own certificate. */
  readonly subject: string;
  readonly validFrom: Date;
  readonly validTo: Date;
}

/** Its texts, for another thread; `ca` is undefined where clients need no certificate. */
export const pemOf = ({ settings: { cert, key, ca } }: Certificate) => ({
  cert: cert.toString("latin1"),
  key: key.toString("latin1"),
  ca: ca?.toString("latin1"),
});

/** The certificates of the ports that have one. */
export interface Certificates {
  readonly tcp: Certificate | undefined;
  readonly http: Certificate | undefined;
  readonly grpc: Certificate | undefined;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Reads the files of a port.
 *
 * @throws CertificateError when one of them cannot be used
 */
const readCertificate = (name: TlsOptionName, files: TlsFiles): Certificate => {
  const { certFile, keyFile, clientCaFile } = files;
  const cert = readPem(`${name}.certFile`, certFile);
  const key = readPem(`${name}.keyFile`, keyFile);
  const ca = clientCaFile === undefined ? undefined : readPem(`${name}.clientCaFile`, clientCaFile);
  const own = parseCertificate(`${name}.certFile`, certFile, cert);
  if (!own.checkPrivateKey(parseKey(`${name}.keyFile`, keyFile, key))) {
    throw new CertificateError(`${name}.keyFile`, `the key of the certificate in ${certFile}; ${keyFile} is another`);
  }
  if (ca !== undefined && clientCaFile !== undefined) parseCertificate(`${name}.clientCaFile`, clientCaFile, ca);
  const isMutual = ca !== undefined;
  const settings = { cert, key, ca, minVersion: "TLSv1.2", requestCert: isMutual, rejectUnauthorized: true } as const;
  try {
    createSecureContext(settings);
  } catch (error) {
    throw new CertificateError(`${name}.certFile`, `usable for TLS; ${certFile} is not: ${messageOf(error)}`, error);
  }
  return described(own, files, settings);
};

const described = (
  { subject, validFrom, validTo }: X509Certificate,
  files: TlsFiles | undefined,
  settings: TlsSettings,
): Certificate => ({
  files,
  settings,
  subject: subject.replaceAll("\n", ", "),
  validFrom: new Date(validFrom),
  validTo: new Date(validTo),
});

/** One that the broker has made: `pem` is the certificate and its key. */
export const madeCertificate = (pem: string): Certificate => {
  const bytes = Buffer.from(pem);
  const settings = {
    cert: bytes,
    key: bytes,
    ca: undefined,
    minVersion: "TLSv1.2",
    requestCert: false,
    rejectUnauthorized: true,
  } as const;
  return described(new X509Certificate(pem), undefined, settings);
};

type TlsChoice = Pick<BrokerOptions, TlsOptionName>;

/**
 * Reads the files that the options name; all before one is used.
 *
 * @throws CertificateError when one of them cannot be used
 */
export const readCertificates = ({ tcpTls, httpTls, grpcTls }: TlsChoice): Certificates => ({
  tcp: tcpTls === undefined || tcpTls === "self-signed" ? undefined : readCertificate("tcpTls", tcpTls),
  http: httpTls === undefined || httpTls === "self-signed" ? undefined : readCertificate("httpTls", httpTls),
  grpc: grpcTls === undefined || grpcTls === "self-signed" ? undefined : readCertificate("grpcTls", grpcTls),
});

/** With the one that the broker has made where the options ask for it. */
export const withOwn = (
  { tcp, http, grpc }: Certificates,
  { tcpTls, httpTls, grpcTls }: TlsChoice,
  own: Certificate | undefined,
): Certificates => ({
  tcp: tcpTls === "self-signed" ? own : tcp,
  http: httpTls === "self-signed" ? own : http,
  grpc: grpcTls === "self-signed" ? own : grpc,
});

/** Says in the log what is used from now on, and warns when clients will not take it. */
export const logCertificates = ({ tcp, http, grpc }: Certificates, log: Log, now: Date): void => {
  for (const [port, certificate] of Object.entries({ TCP: tcp, HTTP: http, gRPC: grpc })) {
    if (certificate === undefined) continue;
    const { subject, validFrom, validTo, settings } = certificate;
    const fields = { subject, until: validTo.toISOString() };
    const clients = settings.requestCert ? "; clients need a certificate of their own" : "";
    if (now > validTo) log.warn(fields, `the certificate of the ${port} port has expired`);
    else if (now < validFrom)
      log.warn({ ...fields, from: validFrom.toISOString() }, `the certificate of the ${port} port is not valid yet`);
    else log.info(fields, `the ${port} port speaks TLS${clients}`);
  }
};

const readPem = (option: CertificateError["option"], path: string): Buffer => {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CertificateError(option, `a PEM file that can be read; ${path} cannot: ${whyUnreadable(error)}`, error);
  }
};

/** Where each of a file's certificates begins. */
const CERTIFICATES = /(?=-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----)/;

/** Returns the first. All of them must be whole: OpenSSL leaves out authorities of which half is written. */
const parseCertificate = (option: CertificateError["option"], path: string, pem: Buffer): X509Certificate => {
  // The parser takes DER too, which node:tls does not.
  const [first, ...others] = pem
    .toString("latin1")
    .split(CERTIFICATES)
    .filter((part) => CERTIFICATES.test(part));
  if (first === undefined) {
    throw new CertificateError(option, `a certificate in PEM; ${path} is not: it has no -----BEGIN CERTIFICATE-----`);
  }
  try {
    for (const other of others) new X509Certificate(other);
    return new X509Certificate(first);
  } catch (error) {
    throw new CertificateError(option, `a certificate in PEM; ${path} is not: ${messageOf(error)}`, error);
  }
};

const parseKey = (option: CertificateError["option"], path: string, pem: Buffer): KeyObject => {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    const isLocked = error instanceof Error && "code" in error && error.code === "ERR_MISSING_PASSPHRASE";
    const reason = isLocked ? "it has a passphrase, which nobody could enter" : messageOf(error);
    throw new CertificateError(option, `a private key in PEM; ${path} is not: ${reason}`, error);
  }
};
