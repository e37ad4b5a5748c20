/** The process around a server: what signals, failures and closed streams do to it. */
import { CloseError } from "../main/close-error.js";
import type { Log } from "../main/log.js";
import { ServiceManager } from "./service-manager.js";

/** Exit code: it cannot run, has failed, or was told twice to stop. */
export const FAILURE = 1;

/** Exit code: it has stopped, though not in order. */
const DISORDERLY = 3;

export interface ServedBy {
  /** For the log: `the broker`. */
  readonly name: string;
  readonly log: Log;
  /** Ends in order. Called once. */
  readonly close: () => Promise<void>;
  /** What SIGHUP does. */
  readonly reload: () => void;
  /** Brings what was logged to where it belongs before the process ends. Default: nothing to do. */
  readonly flush?: () => Promise<void>;
}

/**
 * The first signal drains, the second does not wait. systemd is told of the stop and of SIGHUP; who has started the server tells the
 * manager that this returns when it is ready.
 */
export const stopOnSignal = ({
  name,
  log,
  close,
  reload,
  flush = () => Promise.resolve(),
}: ServedBy): ServiceManager => {
  const manager = new ServiceManager(log);
  let isStopping = false;
  const end = (code: number): void => {
    const exit = (): never => process.exit(code);
    flush().then(exit, exit);
  };
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) process.exit(FAILURE);
    isStopping = true;
    manager.stopping();
    log.info({ signal }, "stopping; once more to stop at once");
    const begin = performance.now();
    close().then(
      () => {
        log.info({ seconds: Math.round(performance.now() - begin) / 1_000 }, "stopped");
        end(0);
      },
      (error: unknown) => {
        if (error instanceof CloseError) log.error({}, error.message);
        else log.error({ error }, `${name} did not stop in order`);
        end(DISORDERLY);
      },
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  // A closed terminal, or an operator who expects a reload, must not kill the server.
  process.on("SIGHUP", () => manager.reloading(reload));
  // Standard output is closed: the server carries on.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const failed = (error: unknown): void => {
    log.error({ error }, `${name} has failed and stops`);
    process.exitCode = FAILURE;
    if (isStopping) process.exit(FAILURE);
    isStopping = true;
    manager.stopping();
    const leave = (): void => end(FAILURE);
    close().then(leave, leave);
  };
  process.on("uncaughtException", failed);
  process.on("unhandledRejection", failed);
  // Only a signal ends the server. If the event loop runs empty, something has gone wrong.
  process.on("beforeExit", () => {
    log.error({}, `${name} has nothing left to do, though nobody has stopped it`);
    end(FAILURE);
  });
  return manager;
};
