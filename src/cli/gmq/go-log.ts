/** Lines as Go's package log writes them, on standard error, and durations as Go prints them. */

const two = (value: number): string => String(value).padStart(2, "0");

/** `2026/11/28 20:00:00 text`, in local time. */
export const logLine = (text: string, at = new Date()): string => {
  const date = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("/");
  return `${date} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":")} ${text}\n`;
};

/** `1.5ms`, `2.25s`, `1m2.5s`: up to nine digits behind the point, none that are zero at the end. */
export const goDuration = (milliseconds: number): string => {
  const nanoseconds = Math.round(milliseconds * 1e6);
  if (nanoseconds < 1_000) return nanoseconds === 0 ? "0s" : `${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `${nanoseconds / 1e3}µs`;
  if (nanoseconds < 1e9) return `${nanoseconds / 1e6}ms`;
  const minutes = Math.floor(nanoseconds / 60e9);
  const seconds = `${(nanoseconds - minutes * 60e9) / 1e9}s`;
  if (minutes === 0) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
};
