/** What a server and a proxy say of where they listen. */
import type { ListenSettings } from "./memmq-settings.js";
import type { Program } from "./program.js";

/** Says so where others than this machine can reach it. */
export const warnOfOpenPort = ({ address: { host, port } }: ListenSettings, { log }: Program): void => {
  if (host !== "::") return;
  log.warn(
    {},
    `it listens on all interfaces and asks nobody for a password: --address=localhost:${port} is for this machine only`,
  );
};

/** A broker's error text with flags in the places of its options. */
export const withMemmqFlags = (text: string): string =>
  text
    .replaceAll(/\b(?:http|grpc)Tls\.certFile/g, "--cert_file")
    .replaceAll(/\b(?:http|grpc)Tls\.keyFile/g, "--key_file");
