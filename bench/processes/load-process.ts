/**
 * A load process, seen from the benchmark: it prepares a role, runs it, and reports the outcome.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Order, Report, RoleName, RoleOutcome, RoleParams } from "../load/main.js";
import { adopt } from "./children.js";
import { builtFile, nodeCommand } from "./command.js";

/** A prepared role: connected and encoded, it waits for the start. */
export interface Armed<Outcome> {
  go(): Promise<Outcome>;
}

export class LoadProcess implements Disposable {
  readonly #child: ChildProcess;
  #settle: { readonly resolve: (report: Report) => void; readonly reject: (error: Error) => void } | undefined;
  #ended: Error | undefined;

  constructor(cpus?: string) {
    const [program, args] = nodeCommand({ script: builtFile("load/main.js"), args: [], cpus });
    this.#child = spawn(program, args, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    adopt(this.#child);
    this.#child.on("message", (report: Report) => {
      this.#settle?.resolve(report);
      this.#settle = undefined;
    });
    const end = (error: Error): void => {
      this.#ended ??= error;
      this.#settle?.reject(this.#ended);
      this.#settle = undefined;
    };
    this.#child.once("error", end);
    this.#child.once("exit", (code, signal) => end(new Error(`a load process ended (${signal ?? `code ${code}`})`)));
  }

  async prepare<Name extends RoleName>(role: Name, params: RoleParams<Name>): Promise<Armed<RoleOutcome<Name>>> {
    await this.#tell({ prepare: role, params });
    return {
      go: async () => {
        const report = await this.#tell({ run: true });
        if (!("outcome" in report)) throw new Error("a load process told no outcome");
        return report.outcome as RoleOutcome<Name>;
      },
    };
  }

  /** Prepares and runs. */
  async run<Name extends RoleName>(role: Name, params: RoleParams<Name>): Promise<RoleOutcome<Name>> {
    const armed = await this.prepare(role, params);
    return armed.go();
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }

  #tell(order: Order): Promise<Report> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (this.#settle !== undefined) return Promise.reject(new Error("a load process does one thing at a time"));
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#child.send(order);
    });
  }
}
