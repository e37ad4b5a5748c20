/** The console of all nodes. */
export { type Gweb, type GwebOptions, startGweb } from "./gweb.js";
