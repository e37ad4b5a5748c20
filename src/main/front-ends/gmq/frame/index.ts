/** gmq's first generation on the TCP port: every request is a frame that begins with `v111`. */
import type { FrontEnd } from "../../../ports/front-end.js";
import { answerBytes, ERROR } from "./answers.js";
import { FrameClient } from "./frame-client.js";
import { FrameContext } from "./frame-context.js";
import { MAGIC, startsWithMagic } from "./request.js";

/** For one broker: all its clients share the table of jobs, so that one can ack what another has popped. */
export const gmqFrame = (): FrontEnd => {
  const context = new FrameContext();
  return {
    name: "gmq frame",
    recognizes: (bytes) => {
      if (!startsWithMagic(bytes, 0, bytes.length)) return false;
      return bytes.length < MAGIC.length ? undefined : true;
    },
    refusal: (text) => answerBytes(ERROR, text),
    open: (session, client) => new FrameClient(session, client, context),
  };
};
