/** HTTP as bytes: what no well-behaved client would send. */
import { once } from "node:events";
import { connect } from "node:net";

/**
 * Sends the bytes on a connection of its own, and reads up to its end or, when `until` is given, up to where that holds of
 * the text so far.
 */
export const sendRaw = async (
  port: number,
  bytes: string | Buffer,
  until: (text: string) => boolean = () => false,
): Promise<string> => {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  // Refused bytes may be answered with a reset behind the answer.
  socket.on("error", () => {});
  let text = "";
  const ended = new Promise<void>((resolve) => {
    socket.on("close", () => resolve());
    socket.on("data", (part: Buffer) => {
      text += part.toString("latin1");
      if (until(text)) resolve();
    });
  });
  socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  await ended;
  socket.destroy();
  return text;
};

/** The same for two parts that arrive one after the other, up to one whole answer. */
export const sendParts = async (port: number, first: string, second: string): Promise<string> => {
  const socket = connect(port, "127.0.0.1").setNoDelay();
  await once(socket, "connect");
  socket.on("error", () => {});
  let text = "";
  const ended = new Promise<void>((resolve) => {
    socket.on("close", () => resolve());
    socket.on("data", (part: Buffer) => {
      text += part.toString("latin1");
      if (isAnswered(text)) resolve();
    });
  });
  socket.write(first);
  // The broker has read what came before another client was answered.
  await sendRaw(port, "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n", isAnswered);
  socket.write(second);
  await ended;
  socket.destroy();
  return text;
};

/** One answer of which the length is told, or that has no body, is there. */
export const isAnswered = (text: string): boolean => {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /^content-length: (\d+)\r$/im.exec(text.slice(0, end + 1))?.[1];
  return text.length >= end + 4 + Number(length ?? 0);
};

/** The status of the first answer; 0 when there is none. */
export const statusOf = (text: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0);
