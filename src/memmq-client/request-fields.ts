/** What every request says beside what it asks for: headers over HTTP, metadata over gRPC. */
import type { LinkOptions } from "./link.js";
import { TRAIL } from "./trail.js";

export const requestFields = ({ token, trail }: LinkOptions): Readonly<Record<string, string>> => {
  const { text } = trail;
  return {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(text !== undefined && { [TRAIL]: text }),
  };
};
