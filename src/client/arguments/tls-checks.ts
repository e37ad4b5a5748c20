/**
 * Checks of the option `tls`.
 */
import { localError } from "../base/error.js";
import { badArgument, readList } from "./argument-checks.js";
import { names, readOptions } from "./option-reader.js";
import type { Pem, TlsOptions } from "./options.js";

const OPTIONS = names("ca", "cert", "key", "passphrase", "serverName");

const isPem = (value: unknown): value is Pem =>
  (typeof value === "string" && value !== "") || value instanceof Uint8Array;

const checkPem = (what: string, value: unknown): void => {
  if (value !== undefined && !isPem(value)) throw badArgument(what, value, "PEM, as text or bytes");
};

const readAuthorities = (value: unknown): readonly Pem[] => {
  const wanted = "a certificate in PEM, or a list of some";
  const list = isPem(value) ? [value] : readList("tls.ca", value, wanted, isPem);
  // Without any, node would trust the usual ones.
  if (list.length === 0 || !list.every(isPem)) throw badArgument("tls.ca", value, wanted);
  return list;
};

/** Labels of letters, digits, - and _; not the four numbers of an address. */
const DNS_NAME = /^(?![\d.]+$)[\w-]+(?:\.[\w-]+)*\.?$/;

/** Reads and checks them. Throws BAD_ARGUMENT. */
export const readTls = (options: TlsOptions): TlsOptions => {
  const { ca, cert, key, passphrase, serverName } = readOptions(options, OPTIONS);
  checkPem("tls.cert", cert);
  checkPem("tls.key", key);
  if ((cert === undefined) !== (key === undefined)) {
    const [given, missing] = cert === undefined ? ["key", "cert"] : ["cert", "key"];
    throw localError(
      "BAD_ARGUMENT",
      `tls.${given} needs tls.${missing}: a certificate and its private key go together`,
    );
  }
  if (passphrase !== undefined && typeof passphrase !== "string") {
    // Its value is nobody's business.
    throw localError("BAD_ARGUMENT", "tls.passphrase must be text");
  }
  if (serverName !== undefined && !(typeof serverName === "string" && DNS_NAME.test(serverName))) {
    throw badArgument("tls.serverName", serverName, "a DNS name, such as broker.example");
  }
  return { ca: ca === undefined ? undefined : readAuthorities(ca), cert, key, passphrase, serverName };
};
