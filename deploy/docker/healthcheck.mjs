/**
 * Whether the program of this container answers: exits with 0 when it does. A broker is asked at its HTTP port, a registry and a
 * console at their own; each by loopback and by the name of the container, since gmq's command lines let a program listen there alone.
 *
 * `healthcheck.mjs [url]...` asks other addresses in their place.
 */
import { hostname } from "node:os";

const HOSTS = ["127.0.0.1", hostname()];
const asked = process.argv.slice(2);
const urls =
  asked.length > 0 ? asked : HOSTS.flatMap((host) => [9504, 9595, 8080].map((port) => `http://${host}:${port}/ping`));

const answers = async (url) => {
  const { ok } = await fetch(url, { signal: AbortSignal.timeout(3_000) });
  if (!ok) throw new Error(url);
};

try {
  await Promise.any(urls.map(answers));
  process.exit(0);
} catch {
  process.stderr.write(`nothing answers at ${urls.join(", ")}\n`);
  process.exit(1);
}
