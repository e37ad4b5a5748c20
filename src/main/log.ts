/**
 * Where the broker says what it does: the shape that pino has, so that a pino logger fits as it is. A broker that is
 * embedded says nothing unless it is given one.
 */
export interface Log {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

const nothing = (): void => {};

export const SILENT: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
