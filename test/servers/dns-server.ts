/** A name server on loopback: A and AAAA records that a test changes. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";

const HEADER = 12;
const TYPE_A = 1;
const TYPE_AAAA = 28;
const SERVFAIL = 2;
const NXDOMAIN = 3;

/** The question behind the header: its name, and where its type is. */
const questionOf = (query: Buffer): { readonly name: string; readonly end: number } => {
  const labels: string[] = [];
  let at = HEADER;
  for (let size = query[at] ?? 0; size > 0; size = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + size));
    at += 1 + size;
  }
  return { name: labels.join("."), end: at + 1 };
};

const wire = (address: string): Buffer => {
  if (!isIPv6(address)) return Buffer.from(address.split(".").map(Number));
  // Of all there are, tests need ::1.
  return Buffer.from([...new Array<number>(15).fill(0), 1]);
};

const record = (address: string): Buffer => {
  const data = wire(address);
  const head = Buffer.alloc(12);
  // The name is that of the question.
  head.writeUInt16BE(0xc000 | HEADER, 0);
  head.writeUInt16BE(data.length === 4 ? TYPE_A : TYPE_AAAA, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
};

export class DnsServer {
  /** Addresses by name. A name without an entry does not exist. */
  readonly records = new Map<string, readonly string[]>();
  /** Every question is answered with SERVFAIL. */
  isFailing = false;
  queries = 0;
  readonly #socket = createSocket("udp4");

  private constructor() {
    this.#socket.on("message", (query, { port, address }) => this.#socket.send(this.#answer(query), port, address));
  }

  static async start(): Promise<DnsServer> {
    const server = new DnsServer();
    server.#socket.bind(0, "127.0.0.1");
    await once(server.#socket, "listening");
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  close(): void {
    this.#socket.close();
  }

  #answer(query: Buffer): Buffer {
    this.queries++;
    const { name, end } = questionOf(query);
    const type = query.readUInt16BE(end);
    const known = this.records.get(name);
    const found = this.isFailing ? [] : (known ?? []).filter((each) => isIPv6(each) === (type === TYPE_AAAA));
    const head = Buffer.from(query.subarray(0, end + 4));
    let code = known === undefined ? NXDOMAIN : 0;
    if (this.isFailing) code = SERVFAIL;
    head.writeUInt16BE(0x8180 | code, 2);
    head.writeUInt16BE(found.length, 6);
    head.writeUInt32BE(0, 8);
    return Buffer.concat([head, ...found.map(record)]);
  }
}
