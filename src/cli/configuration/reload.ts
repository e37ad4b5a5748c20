/** What SIGHUP does to `ringmq serve`: the configuration is read again, and what can change while a broker runs changes. */
import { isDeepStrictEqual } from "node:util";
import type { BrokerOptions } from "../../main/options.js";
import { isSameTls, RELOADABLE, type ReloadOptions, TLS_NAMES } from "../../main/reloading.js";
import { ConfigError } from "../configuration-text.js";
import type { LeveledLog } from "../log-lines.js";
import { type Configuration, effectiveValue } from "./configuration.js";
import { placeOf, SETTINGS, type Setting } from "./settings.js";

/** The settings that change at once, beside those of TLS, whose files do. */
export const isLive = ({ name }: Setting): boolean =>
  name === "logLevel" || (RELOADABLE as readonly string[]).includes(name);

/** The broker. */
interface Running {
  reload(options: ReloadOptions): void;
}

interface Changes {
  readonly live: readonly Setting[];
  /** Those that take another start. */
  readonly late: readonly Setting[];
  readonly options: ReloadOptions;
}

type PortTls = Pick<BrokerOptions, (typeof TLS_NAMES)[number]>;

const portsOf = ({ tcpTls, httpTls, grpcTls }: PortTls): PortTls => ({ tcpTls, httpTls, grpcTls });

export class Reloader {
  readonly #read: () => Configuration;
  readonly #log: LeveledLog;
  /** What the broker runs with, by the names of settings. */
  readonly #values: Map<string, unknown>;
  #tls: PortTls;
  #users: BrokerOptions["users"];

  /** `started` is what the broker was started with; `read` reads it again, and throws a ConfigError. */
  constructor(started: Configuration, read: () => Configuration, log: LeveledLog) {
    this.#read = read;
    this.#log = log;
    this.#values = new Map(SETTINGS.map((setting) => [setting.name, effectiveValue(setting, started)]));
    this.#tls = portsOf(started.resolved);
    this.#users = started.resolved.users;
  }

  /** When anything is wrong nothing changes, and the log says what it is. */
  reload(broker: Running): void {
    try {
      const next = this.#read();
      const hasTls = Object.values(portsOf(next.resolved)).some((tls) => tls !== undefined);
      if (next.names.path === undefined && !hasTls) this.#log.info({}, "SIGHUP: there is nothing to read again");
      else this.#apply(next, broker);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const fault of error.faults) this.#log.error({}, `SIGHUP: the configuration stays as it is: ${fault}`);
    }
  }

  #apply(next: Configuration, broker: Running): void {
    const { live, late, options } = this.#changesTo(next);
    try {
      broker.reload(options);
    } catch (error) {
      if (error instanceof RangeError) throw new ConfigError(next.names.explain(error));
      throw error;
    }
    for (const setting of live) this.#values.set(setting.name, effectiveValue(setting, next));
    this.#tls = portsOf({ ...this.#tls, ...options });
    this.#users = next.resolved.users;
    this.#log.level = String(this.#values.get("logLevel"));
    const changed = [...live.map(placeOf), ...("users" in options ? ["users"] : [])].join(", ");
    this.#log.info(changed === "" ? {} : { changed }, "SIGHUP: the configuration is read again");
    if (late.length > 0) {
      this.#log.warn({ settings: late.map(placeOf).join(", ") }, "SIGHUP: what has changed there takes another start");
    }
  }

  #changesTo(next: Configuration): Changes {
    const changed = SETTINGS.filter(
      (setting) => !isDeepStrictEqual(effectiveValue(setting, next), this.#values.get(setting.name)),
    );
    const ports = portsOf(next.resolved);
    const keepsTls = TLS_NAMES.every((name) => isSameTls(this.#tls[name], ports[name]));
    const isNow = (setting: Setting): boolean => isLive(setting) || (setting.section === "tls" && keepsTls);
    const live = changed.filter(isNow);
    const plain = live.filter(({ name }) => (RELOADABLE as readonly string[]).includes(name));
    const options = Object.fromEntries(plain.map((setting) => [setting.name, effectiveValue(setting, next)]));
    const { users } = next.resolved;
    return {
      live,
      late: changed.filter((setting) => !isNow(setting)),
      options: {
        ...options,
        ...(keepsTls && ports),
        ...(!isDeepStrictEqual(users, this.#users) && { users }),
      },
    };
  }
}
