/** Prints messages as lines on standard output, no faster than it is read. */
import { once } from "node:events";
import type { Subscription } from "../../memmq-client/index.js";

const NEWLINE = Buffer.from("\n");

/** Resolves when the subscription has ended. Rejects with the reason when it has one. */
export const printMessages = async (
  subscription: Subscription,
  output: NodeJS.WritableStream,
  warn: (text: string) => void,
): Promise<void> => {
  for await (const { payload, lost, mayHaveLost, server } of subscription) {
    const text = lossText(server, lost, mayHaveLost);
    if (text !== undefined) warn(text);
    if (!output.write(Buffer.concat([payload, NEWLINE]))) await once(output, "drain");
  }
};

/** Undefined: nothing is lost. */
export const lossText = (server: string, lost: number, mayHaveLost: boolean): string | undefined => {
  if (lost > 0) return `${lost} messages of ${server} are lost before this one`;
  return mayHaveLost ? `messages of ${server} may be lost: the connection was, and it cannot tell` : undefined;
};
