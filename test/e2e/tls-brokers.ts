/** Brokers over TLS for tests, with certificates of an authority that they make, and clients of them. */
import { once } from "node:events";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { expect, onTestFinished } from "vitest";
import type { ConnectOptions } from "../../src/client/arguments/options.js";
import type { Client } from "../../src/client/client.js";
import type { Log } from "../../src/main/log.js";
import type { BrokerOptions } from "../../src/main/options.js";
import { Authority, writeAuthority, writeCertificate } from "../certificates.js";
import { testBroker, testDirectory } from "./brokers.js";

const { connect } = (await import("../../dist/client/index.js" as string)) as {
  connect: (url: string, options?: ConnectOptions) => Promise<Client>;
};

export const authority = await Authority.create();
export const other = await Authority.create("another authority");
export const server = await authority.issue({ commonName: "broker" });
export const client = await authority.issue({ commonName: "client" });
export const foreign = await other.issue({ commonName: "foreign client" });

export interface Line {
  readonly level: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export const recorded = (): { readonly log: Log; readonly lines: Line[] } => {
  const lines: Line[] = [];
  const at = (level: string) => (fields: object, text: string) =>
    void lines.push({ level, text, fields: fields as Line["fields"] });
  return { log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }, lines };
};

export const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
};

/** A broker with the certificate on both ports. */
export const secured = async (options: Partial<BrokerOptions> = {}, isMutual = false) => {
  const directory = testDirectory();
  const files = writeCertificate(directory, server);
  const tls = isMutual ? { ...files, clientCaFile: writeAuthority(directory, authority) } : files;
  return { directory, ...(await testBroker({ httpEngine: "auto", tcpTls: tls, httpTls: tls, ...options })) };
};

export const opened = async (url: string, options: ConnectOptions): Promise<Client> => {
  const made = await connect(url, options);
  onTestFinished(() => made.close());
  return made;
};

export const failure = async (url: string, options?: ConnectOptions): Promise<string> => {
  const error: unknown = await connect(url, options).then(
    (made) => made.close().then(() => "it was let in"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error(String(error));
  const { code, message } = error as Error & { readonly code?: string };
  return `${code}: ${message}`;
};

export const exchangeMessage = async (made: Client): Promise<void> => {
  const body = Uint8Array.from({ length: 300_000 }, (_, i) => i % 256);
  await made.publish("topic", body);
  const [message] = await made.pop("topic", { wait: 5_000 });
  expect(message?.body).toEqual(body);
  await message?.ack();
};

/** A socket of TLS, for bare clients. */
export const dial = async (port: number): Promise<TLSSocket> => {
  const socket = connectTls({ host: "127.0.0.1", port, ca: authority.cert });
  await once(socket, "secureConnect");
  return socket;
};
