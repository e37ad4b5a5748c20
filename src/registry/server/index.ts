/** The registry server. */
export type { RegistryOptions } from "./options.js";
export { type Registry, startRegistry } from "./registry.js";
