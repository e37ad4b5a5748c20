/**
 * The texts for TLS that fails: whose certificate is not accepted, why, and what to do.
 */
import type { Address } from "./address.js";

/** Codes are of Node, of the certificate check, and of OpenSSL. */
const CODES = /^(?:ERR_TLS|ERR_SSL|CERT_|EPROTO|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA)/;

export const isTlsFailure = (code: string, message: string): boolean =>
  CODES.test(code) || /certificate|SSL routines|TLS connection/i.test(message);

/** What to do about it. Empty: nobody knows. */
const advice = (code: string, message: string, { url, isTcp }: Address): string => {
  const says = (pattern: RegExp): boolean => pattern.test(code) || pattern.test(message);
  if (says(/SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|INVALID_CA|self.signed|unable to (?:verify|get)/)) {
    return ": nobody who is trusted here has signed its certificate; give its authority's certificate as tls.ca";
  }
  if (says(/ALTNAME_INVALID|HOSTNAME_MISMATCH|does not match certificate/)) {
    return ": connect by a name that the certificate has, or give that name as tls.serverName";
  }
  if (says(/CERT_HAS_EXPIRED/)) return ": the broker needs a new certificate";
  if (says(/CERT_NOT_YET_VALID/)) return ": is the clock of this machine right?";
  if (says(/WRONG_VERSION_NUMBER|PACKET_LENGTH|RECORD_LAYER|wrong version|packet length/)) {
    return `: it does not speak TLS; try ${isTcp ? "tcp" : "ws"}://${url.host}`;
  }
  if (says(/ALERT_(?:CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE)|certificate required/)) {
    return ": it asks for a certificate of the client; give one as tls.cert and tls.key";
  }
  if (says(/ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_|ACCESS_DENIED)/)) {
    return ": it does not accept the client's certificate (tls.cert)";
  }
  return "";
};

/** A broker breaks off without a word when it does not accept a certificate. */
export const CLIENT_CERTIFICATE_HINT = "does it accept the client's certificate (tls.cert), if it asks for one?";

/** The text for a failure that `isTlsFailure` knows. */
export const tlsFailure = (code: string, message: string, address: Address): string => {
  // OpenSSL repeats numbers and places of its source.
  const reason = /SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? message;
  return `TLS with ${address.text} failed: ${reason.replace(/[:\s]+$/, "")}${advice(code, message, address)}`;
};
