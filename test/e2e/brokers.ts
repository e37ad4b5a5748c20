/** Brokers for tests: built files, any free port, closed when the test ends. */
import { onTestFinished } from "vitest";
import type { BrokerOptions } from "../../src/main/options.js";
import type { SupervisorSeams } from "../../src/main/supervisor.js";

// What runs is the build: worker threads load files of it.
const { startBroker } = (await import(
  "../../dist/main/broker.js" as string
)) as typeof import("../../src/main/broker.js");

const LOCAL = { host: "127.0.0.1", port: 0 };

export interface TestBroker {
  readonly broker: Awaited<ReturnType<typeof startBroker>>;
  readonly tcp: number;
  readonly http: number;
}

/** A broker with both listeners, one shard unless told otherwise, and little memory for rings. */
export const testBroker = async (
  options: Partial<BrokerOptions> = {},
  seams: SupervisorSeams = {},
): Promise<TestBroker> => {
  const broker = await startBroker({ tcp: LOCAL, http: LOCAL, shards: 1, memory: 1 << 28, ...options }, seams);
  onTestFinished(() => broker.close());
  return { broker, tcp: broker.addresses.tcp?.port ?? 0, http: broker.addresses.http?.port ?? 0 };
};
