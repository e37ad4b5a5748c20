/** Where uWebSockets.js is loaded: it may not be installed, and its binary is not made for every system. */
import type { Uws } from "./uws-types.js";

const PACKAGE: string = "uWebSockets.js";

/** @throws Error when it cannot be loaded; the text tells why */
export const loadUws = async (): Promise<Uws> => {
  const loaded: { readonly default: Uws } = await import(PACKAGE);
  return loaded.default;
};
