/** The addresses of registries and of etcd. */
import { InvalidArgumentError } from "commander";
import { serviceUrl } from "../../registry/discovery/node-address.js";
import { parseNames } from "../go-flags.js";

export const DEFAULT_REGISTRY = "http://127.0.0.1:9595";

/** `http://` need not be said. */
export const parseUrls = (text: string): readonly string[] =>
  parseNames(text).map((name) => {
    try {
      return serviceUrl(name);
    } catch {
      throw new InvalidArgumentError("It must be as in http://127.0.0.1:9595, several with commas between.");
    }
  });
