/** The flags of `gweb`. */
import type { Address } from "../../main/options.js";
import type { FlagGroup } from "../go-flags.js";
import { parseListenAddress } from "../units.js";
import type { PortFiles } from "./port-settings.js";
import type { Settings } from "./settings.js";
import { DEFAULT_REGISTRY, parseUrls } from "./urls.js";

/** All interfaces, as gmq's. */
const DEFAULT_ADDRESS: Address = { host: "::", port: 8080 };

export const GWEB_FLAGS: readonly FlagGroup[] = [
  {
    title: "Flags",
    flags: [
      {
        name: "web_addr",
        value: "address",
        description: "where it listens: host:port, or :port for all interfaces (default: :8080)",
        parse: parseListenAddress,
      },
      {
        name: "register_addr",
        value: "urls",
        description: `the registry that lists the nodes, or several with the same nodes, separated by commas (default: ${DEFAULT_REGISTRY})`,
        parse: parseUrls,
      },
      {
        name: "etcd_endpoints",
        value: "urls",
        description: "the etcd that lists the nodes, instead of a registry, separated by commas",
        parse: parseUrls,
      },
      {
        name: "cert_file",
        value: "file",
        description: "its certificate in PEM, with which it speaks TLS (default: none)",
      },
      { name: "key_file", value: "file", description: "the private key of the certificate in PEM" },
      {
        name: "ca_file",
        value: "file",
        description: "the authority of the certificates of nodes in PEM (default: those that Node.js knows)",
      },
    ],
  },
];

export interface GwebSettings {
  readonly http: Address;
  readonly registries: readonly string[];
  /** Empty: the registries are asked. */
  readonly etcd: readonly string[];
  readonly tls: PortFiles | undefined;
  readonly caFile: string | undefined;
}

/** Undefined: `cert_file` is given without `key_file`, or the other way round. */
export const gwebSettings = (settings: Settings): GwebSettings | undefined => {
  const text = (flag: string): string | undefined => settings.value(flag, undefined, String);
  const [certFile, keyFile] = [text("cert_file"), text("key_file")];
  if ((certFile === undefined) !== (keyFile === undefined)) return undefined;
  return {
    http: settings.value("web_addr", undefined, parseListenAddress) ?? DEFAULT_ADDRESS,
    registries: settings.value("register_addr", undefined, parseUrls) ?? [DEFAULT_REGISTRY],
    etcd: settings.value("etcd_endpoints", undefined, parseUrls) ?? [],
    tls: certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile },
    caFile: text("ca_file"),
  };
};
