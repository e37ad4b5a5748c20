/** Clients of the built package for tests of brokers, closed when the test ends. */
import { onTestFinished } from "vitest";
import type { Client } from "../../src/client/client.js";

const { connect } = (await import("../../dist/client/index.js" as string)) as {
  connect: (url: string) => Promise<Client>;
};

export const clientOf = async (tcp: number): Promise<Client> => {
  const client = await connect(`tcp://127.0.0.1:${tcp}`);
  onTestFinished(() => client.close());
  return client;
};

export const texts = (messages: readonly { text(): string }[]): string[] => messages.map((message) => message.text());
