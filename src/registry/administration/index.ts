/** Looking after a list of nodes: adding, weighing and removing them by hand. */
export { EtcdList } from "./etcd-list.js";
export { GregisterList } from "./gregister-list.js";
export { ListRefusal, type NewNode, type NodeList } from "./node-list.js";
