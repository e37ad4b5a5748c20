/** A client of gmq's frames: sends literal bytes, and hears answers. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import type { BrokerOptions } from "../../src/main/options.js";
import type { TestBroker } from "../e2e/brokers.js";

const TLS = {
  certFile: fileURLToPath(new URL("fixtures/localhost-certificate.pem", import.meta.url)),
  keyFile: fileURLToPath(new URL("fixtures/localhost-key.pem", import.meta.url)),
};

/** How clients reach a broker. */
interface Carrier {
  readonly name: string;
  /** With which the broker is started. */
  readonly options: Partial<BrokerOptions>;
  readonly connect: (broker: TestBroker) => Promise<Socket>;
}

/** The conformance suite runs over each. */
export const CARRIERS: readonly Carrier[] = [
  {
    name: "TCP",
    options: {},
    connect: async ({ tcp }) => {
      const socket = connect({ port: tcp, host: "127.0.0.1", allowHalfOpen: true });
      await once(socket, "connect");
      return socket;
    },
  },
  {
    name: "TLS",
    options: { tcpTls: TLS },
    connect: async ({ tcp }) => {
      const ca = readFileSync(TLS.certFile);
      const socket = connectTls({ port: tcp, host: "127.0.0.1", servername: "localhost", ca });
      await once(socket, "secureConnect");
      return socket;
    },
  },
];

/** A request as bytes. */
export const request = (command: string, data: string | Uint8Array = ""): Buffer => {
  const bytes = Buffer.from(data);
  const header = Buffer.from("v111\0\0\0\0");
  header.writeInt16BE(Buffer.byteLength(command), 4);
  header.writeInt16BE(bytes.length, 6);
  return Buffer.concat([header, Buffer.from(command), bytes]);
};

export const push = (job: unknown): Buffer => request("push", JSON.stringify(job));
export const pop = (topics: string): Buffer => request("pop", topics);
export const ack = (id: unknown): Buffer => request("ack", JSON.stringify({ JobId: id }));

/** An answer as text: its type, and its data. */
export const JOB = (json: string): string => `0 ${json}`;
export const ERROR = (text: string): string => `1 ${text}`;
export const MESSAGE = (text: string): string => `2 ${text}`;

export class FrameClient {
  readonly answers: string[] = [];
  readonly closed: Promise<void>;
  #rest: Buffer = Buffer.alloc(0);
  #look = (): void => {};

  private constructor(readonly socket: Socket) {
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.on("end", resolve);
      socket.on("close", () => resolve());
    });
    socket.on("data", (bytes) => {
      this.#rest = Buffer.concat([this.#rest, bytes]);
      while (this.#rest.length >= 4 && this.#rest.length >= 4 + this.#rest.readInt16BE(2)) {
        const end = 4 + this.#rest.readInt16BE(2);
        this.answers.push(`${this.#rest.readInt16BE(0)} ${this.#rest.toString("utf8", 4, end)}`);
        this.#rest = this.#rest.subarray(end);
      }
      this.#look();
    });
  }

  static async open(broker: TestBroker, carrier = CARRIERS[0]): Promise<FrameClient> {
    if (carrier === undefined) throw new Error("there is a carrier");
    const socket = await carrier.connect(broker);
    socket.setNoDelay(true);
    onTestFinished(() => void socket.destroy());
    return new FrameClient(socket);
  }

  /** Bytes behind the last whole answer. */
  get rest(): Buffer {
    return this.#rest;
  }

  send(...bytes: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(bytes));
  }

  /** The next answers, when as many have come. */
  async hears(count = 1): Promise<string[]> {
    await new Promise<void>((resolve) => {
      this.#look = () => {
        if (this.answers.length >= count) resolve();
      };
      this.#look();
    });
    return this.answers.splice(0, count);
  }

  /** Sends a request and answers what it hears. */
  async ask(bytes: Uint8Array): Promise<string> {
    this.send(bytes);
    const [answer = ""] = await this.hears();
    return answer;
  }
}
