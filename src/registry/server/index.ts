/** The registry server. */
export type { RegistryCertificate, RegistryOptions } from "./options.js";
export { type Registry, startRegistry } from "./registry.js";
