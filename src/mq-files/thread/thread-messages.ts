/** What the thread that writes files of topics and the main thread tell each other, beside the batches of their bridge. */

/** What the thread is started with. */
export interface MqFilesThreadData {
  /** Where the files are. */
  readonly directory: string;
  /** Where it tells how late its event loop is: see `LoopLag`. */
  readonly lag: SharedArrayBuffer;
}

/** From the thread. */
export type MqFilesMessage =
  | { readonly kind: "log"; readonly level: "warn" | "error"; readonly fields: object; readonly text: string }
  /** All is written that there was when it was told to stop. */
  | { readonly kind: "stopped" };

/** To the thread: write what there is, then end. */
export type MqFilesOrder = { readonly kind: "stop" };
