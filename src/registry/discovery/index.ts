/** Finding nodes. Runs in browsers: all it needs of its platform is `fetch`. */
export { listAnnounced } from "./etcd.js";
export { EtcdRefusal } from "./etcd-gateway.js";
export { listRegistered, RegistryRefusal, UnauthorizedError } from "./gregister.js";
export { type RequestOptions, UnreachableError } from "./json-request.js";
export type { NodeInfo } from "./node-info.js";
