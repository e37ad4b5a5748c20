/**
 * The flags of the threads. They inherit those of the process, but a thread runs a file and would not start under
 * `--input-type`. Then they get none: flags of the whole process must not be passed to a thread explicitly.
 */
export const inheritedFlags = (): { readonly execArgv?: string[] } =>
  process.execArgv.some((flag) => flag.startsWith("--input-type")) ? { execArgv: [] } : {};
