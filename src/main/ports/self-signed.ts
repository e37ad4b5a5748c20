/** The certificate that the broker makes for ports that are to have one, and its renewal. */
import { hostname } from "node:os";
import type { Log } from "../log.js";
import type { Address, BrokerOptions } from "../options.js";
import type { JobPool } from "../shards/job-pool.js";
import { StartError } from "../shards/start-error.js";
import { type Certificate, madeCertificate } from "./certificate.js";
import { machineAddresses } from "./machine-addresses.js";

/** How often a broker that runs looks whether its certificate is about to expire. */
const LOOK_EVERY = 3_600_000;

/** A machine of containers has hundreds of addresses; a certificate of hundreds of names is refused by some clients. */
const MAX_NAMES = 100;

/** Listening there is listening everywhere. */
const WILDCARDS = new Set(["::", "0.0.0.0"]);

type NameOptions = Pick<BrokerOptions, "tcp" | "http" | "grpc" | "allowHost">;

/**
 * The names and addresses that clients may know this broker by, the most telling first: those that it is told to listen on
 * and to answer to, those of the machine, those of the loopback.
 */
export const namesOfBroker = ({ tcp, http, grpc, allowHost }: NameOptions): readonly string[] => {
  const told = [tcp, http, grpc]
    .filter((address): address is Address => address !== "off")
    .map(({ host }) => host)
    .filter((host) => !WILDCARDS.has(host));
  const addresses = machineAddresses()
    // An IPv6 address of a single link means another machine on every link.
    .filter(({ scopeid, family }) => family === "IPv4" || scopeid === 0)
    .map(({ address }) => address);
  const here = ["localhost", "127.0.0.1", "::1"];
  const all = [...told, ...allowHost, hostname(), ...here, ...addresses].map((name) => name.toLowerCase());
  return [...new Set(all)].filter((name) => NAME.test(name)).slice(0, MAX_NAMES);
};

/** A DNS name or an address; a host name of a machine may be anything. */
const NAME = /^(?=.{1,253}$)[a-z\d_:](?:[a-z\d._:-]*[a-z\d:])?$/;

export interface SelfSignedParts {
  readonly options: Pick<BrokerOptions, "data" | "durability" | "tcpTls" | "httpTls" | "grpcTls" | "log"> & NameOptions;
  readonly pool: Pick<JobPool, "run">;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export class SelfSigned {
  readonly #parts: SelfSignedParts;
  readonly #log: Log;
  readonly #now: () => number;
  #names: readonly string[];
  #pem: string;
  #timer: NodeJS.Timeout | undefined;
  /** Looks are one after another. */
  #looking: Promise<boolean> = Promise.resolve(false);

  private constructor(parts: SelfSignedParts) {
    this.#parts = parts;
    this.#log = parts.options.log;
    this.#now = parts.now ?? (() => Date.now());
    this.#names = namesOfBroker(parts.options);
    this.#pem = "";
  }

  /**
   * Undefined: no port is to have it. The data directory is this broker's.
   *
   * @throws StartError when it cannot be made
   */
  static async open(parts: SelfSignedParts): Promise<SelfSigned | undefined> {
    const { tcpTls, httpTls, grpcTls } = parts.options;
    if (![tcpTls, httpTls, grpcTls].includes("self-signed")) return undefined;
    const made = new SelfSigned(parts);
    await made.#look();
    if (made.#pem === "") throw new StartError("no certificate could be made: the log says why");
    return made;
  }

  get certificate(): Certificate {
    return madeCertificate(this.#pem);
  }

  /** Looks now and then whether it is to be renewed, and calls back when it was. */
  watch(onRenewed: () => void, every = LOOK_EVERY): void {
    this.#timer = setInterval(() => this.#lookAgain(onRenewed), every);
    this.#timer.unref();
  }

  /** Looks at once, also whether the names have changed, of the machine and those that the broker is told. */
  refresh(options: NameOptions, onRenewed: () => void): void {
    this.#names = namesOfBroker(options);
    this.#lookAgain(onRenewed);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #lookAgain(onRenewed: () => void): void {
    // One that has failed is no reason for the next one not to look.
    const look = (): Promise<boolean> => this.#look();
    this.#looking = this.#looking.then(look, look);
    this.#looking.then(
      (isNew) => isNew && onRenewed(),
      (error: unknown) => this.#log.error({ error }, "the broker's own certificate could not be looked at"),
    );
  }

  /** Whether there is another certificate than before. */
  async #look(): Promise<boolean> {
    const { options, pool } = this.#parts;
    const directory = options.durability === "memory" ? undefined : options.data;
    const current = this.#pem === "" ? undefined : this.#pem;
    const outcome = await pool.run({ job: "certificate", directory, names: this.#names, now: this.#now(), current });
    if (!outcome.ok) {
      this.#log.error({ error: outcome.error }, "a certificate could not be made");
      return false;
    }
    const { pem, made, unwritten } = outcome.result;
    if (made !== undefined) this.#log.info({ names: this.#names.join(" ") }, `a certificate was made: ${made}`);
    if (unwritten !== undefined) {
      this.#log.error({ reason: unwritten }, "the broker's own certificate cannot be written to the data directory");
    }
    const isNew = pem !== this.#pem;
    this.#pem = pem;
    return isNew;
  }
}
