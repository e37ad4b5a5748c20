/** The settings of a port in gmq's configuration files. */

import { ConfigError } from "../configuration-text.js";
import { parseSwitch } from "../go-flags.js";
import type { Settings } from "./settings.js";

export const PORT_KEYS = ["addr", "certFile", "keyFile", "enableTls"] as const;

/** The certificate of a port and its key, PEM files, relative to the working directory. */
export interface PortFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Undefined: the port has no TLS. ConfigError: it has, and a file is not named. */
export const portFiles = (settings: Settings, section: string): PortFiles | undefined => {
  if (settings.value(undefined, [section, "enableTls"], parseSwitch) !== true) return undefined;
  const certFile = settings.value(undefined, [section, "certFile"], String);
  const keyFile = settings.value(undefined, [section, "keyFile"], String);
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile };
  throw new ConfigError(`${settings.file?.path}: [${section}] enableTls needs a certFile and a keyFile`);
};

/** An error text with keys of the file in the places of options. */
export const withKeys = (text: string): string =>
  text.replaceAll(/\b(tcp|http)Tls\.(?=certFile|keyFile)/g, "[$1_server] ");
