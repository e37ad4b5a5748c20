/**
 * A load process. It performs one role at a time for the process that started it, which commands it over the IPC channel
 * of `node:child_process`.
 */
import { clientConsumer } from "./client-consumer.js";
import { clientPublisher } from "./client-publisher.js";
import { clientRequester, clientResponder } from "./client-requests.js";
import { clientRoundTrip } from "./client-round-trip.js";
import { clientWorker } from "./client-worker.js";
import { echoRoundTrip } from "./echo-round-trip.js";
import { streamSubscribers, webSocketSubscribers } from "./foreign-subscribers.js";
import { gmqConsumer } from "./gmq-consumer.js";
import { gmqPublisher } from "./gmq-publisher.js";
import { grpcPublisher } from "./grpc-publisher.js";
import { grpcSubscribers } from "./grpc-subscribers.js";
import { httpConsumer } from "./http-consumer.js";
import { httpLoad } from "./http-load.js";
import { observer } from "./observer.js";
import { clientOneInFlight, gmqOneInFlight } from "./one-in-flight.js";
import { pacedPublisher } from "./paced-publisher.js";
import { rawChannelPublisher } from "./raw-channel-publisher.js";
import { rawConsumer } from "./raw-consumer.js";
import { rawKeptPublisher } from "./raw-kept-publisher.js";
import { rawPublisher } from "./raw-publisher.js";
import { rawReplay } from "./raw-replay.js";
import { rawRoundTrip } from "./raw-round-trip.js";
import { rawSubscribers } from "./raw-subscribers.js";
import type { Prepared, Role } from "./role.js";
import { scatteredConsumer } from "./scattered-consumer.js";
import { sparingConsumer } from "./sparing-consumer.js";
import { timedConsumer } from "./timed-consumer.js";
import { webSocketRelay } from "./web-socket-relay.js";

const roles = {
  clientConsumer,
  clientOneInFlight,
  clientPublisher,
  clientRequester,
  clientResponder,
  clientRoundTrip,
  clientWorker,
  echoRoundTrip,
  gmqConsumer,
  gmqOneInFlight,
  gmqPublisher,
  grpcPublisher,
  grpcSubscribers,
  httpConsumer,
  httpLoad,
  observer,
  pacedPublisher,
  rawChannelPublisher,
  rawConsumer,
  rawKeptPublisher,
  rawPublisher,
  rawReplay,
  rawRoundTrip,
  rawSubscribers,
  scatteredConsumer,
  sparingConsumer,
  streamSubscribers,
  timedConsumer,
  webSocketRelay,
  webSocketSubscribers,
};

export type Roles = typeof roles;
export type RoleName = keyof Roles;
export type RoleParams<Name extends RoleName> = Parameters<Roles[Name]>[0];
export type RoleOutcome<Name extends RoleName> =
  Roles[Name] extends Role<RoleParams<Name>, infer Outcome> ? Outcome : never;

/** A command to the process. */
export type Order = { readonly prepare: RoleName; readonly params: unknown } | { readonly run: true };

/** Its reply. When it fails it exits with a code, and standard error says why. */
export type Report = { readonly prepared: true } | { readonly outcome: unknown };

const report = (message: Report): void => {
  process.send?.(message);
};

let prepared: Prepared<unknown> | undefined;

process.on("message", async (order: Order) => {
  if ("prepare" in order) {
    // The sender's types match the parameters to the role, and both processes run the same build.
    const role = roles[order.prepare] as Role<unknown, unknown>;
    prepared = await role(order.params);
    report({ prepared: true });
  } else {
    if (prepared === undefined) throw new Error("told to run before it was prepared");
    report({ outcome: await prepared.run() });
  }
});

process.once("disconnect", () => process.exit());
