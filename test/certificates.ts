/** Certificates that tests make: an authority of their own, and what it signs. */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";

const KEY = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const HOUR = 3_600_000;

x509.cryptoProvider.set(webcrypto as never);

export interface Issued {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

export interface IssueOptions {
  /** DNS names, addresses, and what begins with `URI:`. Default: this machine's. */
  readonly names?: readonly string[];
  readonly commonName?: string;
  /** Default: from an hour ago to an hour from now. */
  readonly validFrom?: Date;
  readonly validTo?: Date;
}

const HERE = ["localhost", "127.0.0.1", "::1"];

const URI = "URI:";

const alternativeName = (name: string) => {
  if (name.startsWith(URI)) return { type: "url" as const, value: name.slice(URI.length) };
  return { type: isIP(name) === 0 ? ("dns" as const) : ("ip" as const), value: name };
};

const makeKeys = () => webcrypto.subtle.generateKey(KEY, true, ["sign", "verify"]);

const keyPem = async (key: webcrypto.CryptoKey): Promise<string> => {
  const bytes = await webcrypto.subtle.exportKey("pkcs8", key);
  return x509.PemConverter.encode(bytes, "PRIVATE KEY");
};

let serial = 0;
const nextSerial = (): string => (++serial).toString(16).padStart(8, "0");

export class Authority {
  /** Its own certificate, in PEM. */
  readonly cert: string;
  readonly #certificate: x509.X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;

  private constructor(certificate: x509.X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.cert = certificate.toString("pem");
    this.#certificate = certificate;
    this.#keys = keys;
  }

  static async create(name = "test authority"): Promise<Authority> {
    const keys = await makeKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: nextSerial(),
      name: `CN=${name}`,
      notBefore: new Date(Date.now() - HOUR),
      notAfter: new Date(Date.now() + HOUR),
      signingAlgorithm: KEY,
      keys,
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
    });
    return new Authority(certificate, keys);
  }

  /** A certificate for a broker or a client. */
  async issue({ names = HERE, commonName = "test", validFrom, validTo }: IssueOptions = {}): Promise<Issued> {
    const keys = await makeKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: nextSerial(),
      subject: `CN=${commonName}`,
      issuer: this.#certificate.subject,
      notBefore: validFrom ?? new Date(Date.now() - HOUR),
      notAfter: validTo ?? new Date(Date.now() + HOUR),
      signingAlgorithm: KEY,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      extensions: [new x509.SubjectAlternativeNameExtension(names.map(alternativeName))],
    });
    return { cert: certificate.toString("pem"), key: await keyPem(keys.privateKey) };
  }
}

/** Writes a certificate where a broker reads it, over what is there. */
export const writeCertificate = (directory: string, { cert, key }: Issued, name = "broker") => {
  const files = { certFile: join(directory, `${name}.pem`), keyFile: join(directory, `${name}-key.pem`) };
  writeFileSync(files.certFile, cert);
  writeFileSync(files.keyFile, key);
  return files;
};

export const writeAuthority = (directory: string, { cert }: Pick<Authority, "cert">, name = "ca"): string => {
  const file = join(directory, `${name}.pem`);
  writeFileSync(file, cert);
  return file;
};
