/**
 * Where the reader shows a token, to a server that has users.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { hasEnded, logIn, readSession, session } from "../broker/session.js";
import { useAction } from "../parts/action.js";
import { ErrorLine } from "../parts/error-line.js";
import { TextField } from "../parts/fields.js";
import { text } from "./text.js";

export const Login = () => {
  const token = useSignal("");
  const form = useRef<HTMLFormElement>(null);
  const { run, isRunning, error } = useAction(() => logIn(token.value.trim()));
  useEffect(() => form.current?.querySelector("input")?.focus(), []);
  // In another tab they may have logged in meanwhile.
  useEffect(() => {
    const look = (): void => void readSession().catch(() => {});
    addEventListener("focus", look);
    return () => removeEventListener("focus", look);
  }, []);
  return (
    <form
      ref={form}
      class="login"
      onSubmit={(event) => {
        event.preventDefault();
        void run();
      }}
    >
      <h1>{text().logIn}</h1>
      {hasEnded.value && <p role="status">{text().loginEnded}</p>}
      <TextField
        label={text().token}
        hint={session.value?.kind === "nodes" ? text().tokenHintOfNodes : text().tokenHint}
        secret
        autocomplete="current-password"
        value={token.value}
        onInput={(value) => {
          token.value = value;
        }}
      />
      <ErrorLine error={error} />
      <button type="submit" class="primary" disabled={isRunning || token.value.trim() === ""}>
        {text().logIn}
      </button>
    </form>
  );
};
