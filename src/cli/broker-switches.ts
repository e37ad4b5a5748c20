/**
 * The switches that every program which runs a broker has: of `ringmq serve` in its table of settings, of `gnode` and `memmq`
 * among their flags.
 */
import type { BrokerOptions } from "../main/options.js";
import type { FlagGroup } from "./go-flags.js";

export type SwitchName = keyof Pick<BrokerOptions, "console" | "openapi" | "trace">;

export interface BrokerSwitch {
  readonly name: SwitchName;
  /** Without the switch. What is on is switched off by it: `--no-console`. */
  readonly isOn: boolean;
  readonly description: string;
}

export const SWITCHES: Readonly<Record<SwitchName, Omit<BrokerSwitch, "name">>> = {
  console: { isOn: true, description: "no console: a page for people, /console/ on the HTTP port" },
  openapi: { isOn: true, description: "no description of the HTTP API: /openapi.json" },
  trace: { isOn: false, description: "spans of sampled traces, sent to a collector by OpenTelemetry" },
};

export const SWITCH_NAMES = Object.keys(SWITCHES) as readonly SwitchName[];

/** As programs have it whose flags are those of Go: `no_console`. */
export type SwitchFlag = "no_console" | "no_openapi" | "trace";

const flagOf = (name: SwitchName): SwitchFlag => (name === "trace" ? name : `no_${name}`);

export const SWITCH_FLAGS: FlagGroup = {
  title: "What it has",
  flags: SWITCH_NAMES.map((name) => ({ name: flagOf(name), description: SWITCHES[name].description })),
};

/** @param read what a flag says; undefined: nothing, and then it is as `otherwise` says, or as without the switch. */
export const switchOptions = (
  read: (flag: SwitchFlag) => boolean | undefined,
  otherwise: (name: SwitchName) => boolean | undefined = () => undefined,
): Pick<BrokerOptions, SwitchName> => {
  const isOnWith = (name: SwitchName): boolean => {
    const { isOn } = SWITCHES[name];
    const given = read(flagOf(name));
    return given === undefined ? (otherwise(name) ?? isOn) : given !== isOn;
  };
  return { console: isOnWith("console"), openapi: isOnWith("openapi"), trace: isOnWith("trace") };
};
