/** Brokers for the tests of the console: the package's, with all that is in it. */
import { join } from "node:path";
import { type BrokerOptions, startBroker } from "ringmq";
import { type Client, connect } from "ringmq/client";
import { onTestFinished } from "vitest";
import { makeDirectory, removeDirectory } from "../directories.js";

export interface ConsoleBroker {
  /** The ports. */
  readonly tcp: number;
  readonly http: number;
  readonly close: () => Promise<void>;
}

const listen = (port = 0) => ({ host: "127.0.0.1", port });

/** On free ports, or on those of another that was closed; without a disk. Whoever starts it closes it. */
export const openBroker = async (
  options: Partial<BrokerOptions> = {},
  ports: Partial<ConsoleBroker> = {},
): Promise<ConsoleBroker> => {
  const directory = makeDirectory();
  const broker = await startBroker({
    data: join(directory, "data"),
    durability: "memory",
    shards: 2,
    ...options,
    tcp: listen(ports.tcp),
    http: listen(ports.http),
  });
  const { tcp, http } = broker.addresses;
  const close = async (): Promise<void> => {
    await broker.close();
    removeDirectory(directory);
  };
  return { tcp: tcp?.port ?? 0, http: http?.port ?? 0, close };
};

/** The same until the test ends. */
export const testBroker = async (...args: Parameters<typeof openBroker>): Promise<ConsoleBroker> => {
  const broker = await openBroker(...args);
  onTestFinished(broker.close);
  return broker;
};

/** A client until the test ends. */
export const clientOf = async ({ tcp }: ConsoleBroker, name = "test"): Promise<Client> => {
  const client = await connect(`tcp://127.0.0.1:${tcp}`, { name });
  onTestFinished(() => client.close());
  return client;
};
