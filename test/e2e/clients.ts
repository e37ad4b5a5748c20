/** Clients of the built package for tests of brokers, closed when the test ends. */
import { onTestFinished } from "vitest";
import type { ConnectOptions } from "../../src/client/arguments/options.js";
import type { Client } from "../../src/client/client.js";
import type { Wire } from "../tls.js";

const { connect } = (await import("../../dist/client/index.js" as string)) as {
  connect: (url: string, options: ConnectOptions) => Promise<Client>;
};

/** By default over plain TCP. */
export const clientOf = async (tcp: number, wire?: Pick<Wire, "tcp" | "client">): Promise<Client> => {
  const client = await connect(`${wire?.tcp ?? "tcp"}://127.0.0.1:${tcp}`, wire?.client ?? {});
  onTestFinished(() => client.close());
  return client;
};

export const texts = (messages: readonly { text(): string }[]): string[] => messages.map((message) => message.text());
