/**
 * Threads inherit the flags of the process. Under `--input-type` none would start, for theirs is a file; and flags that
 * are named here instead are refused if they concern the whole process, so that then there are none.
 */
export const inheritedFlags = (): { readonly execArgv?: string[] } =>
  process.execArgv.some((flag) => flag.startsWith("--input-type")) ? { execArgv: [] } : {};
