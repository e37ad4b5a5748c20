/**
 * Shows a token where the registry asks for none and the nodes do: each node says then what its user may.
 */
import { useSignal } from "@preact/signals";
import { logIn } from "../../broker/session.js";
import { useAction } from "../../parts/action.js";
import { Dialog } from "../../parts/dialog.js";
import { ErrorLine } from "../../parts/error-line.js";
import { TextField } from "../../parts/fields.js";
import { text } from "./text.js";

export const ShowToken = ({ onClose }: { readonly onClose: () => void }) => {
  const words = text();
  const token = useSignal("");
  const { run, isRunning, error } = useAction(() => logIn(token.value.trim()));
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (await run()) onClose();
  };
  return (
    <Dialog title={words.showToken} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <TextField
          label={words.token}
          hint={words.tokenHint}
          secret
          autocomplete="current-password"
          value={token.value}
          onInput={(value) => {
            token.value = value;
          }}
        />
        <ErrorLine error={error} />
        <footer>
          <button type="button" onClick={onClose}>
            {words.cancel}
          </button>
          <button type="submit" class="primary" disabled={token.value.trim() === "" || isRunning}>
            {words.showToken}
          </button>
        </footer>
      </form>
    </Dialog>
  );
};
