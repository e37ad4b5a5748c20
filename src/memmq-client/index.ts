/** The package `ringmq/memmq`: a client of memmq's servers, and of ringmq's. */

// `await using` and Symbol.asyncDispose, for programs whose own settings do not know them.
/// <reference lib="esnext.disposable" preserve="true" />

export { RingmqError, type RingmqErrorCode } from "../client/base/error.js";
export { type DnsOptions, dnsResolver } from "../servers/dns-resolver.js";
export { addressResolver, type Resolver } from "../servers/resolver.js";
export { type Selector, type SelectorName, selectAll, selectRendezvous, selectShard } from "../servers/selector.js";
export type { Server } from "../servers/server.js";
export type { MemmqClient } from "./client.js";
export { createClient } from "./create-client.js";
export type { Message } from "./message.js";
export type { ClientOptions, Overflow, PublishOptions, ServerStatus, SubscribeOptions } from "./options.js";
export { PublishError, type ServerFailure } from "./publish-error.js";
export type { Subscription } from "./subscription.js";
