/**
 * Microseconds of the machine's monotonic clock. Unlike `performance.now()` it has the same origin in every process, so
 * times of a publisher and a consumer can be compared.
 */
export const monotonicMicros = (): number => {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + nanoseconds / 1e3;
};

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
