/**
 * Shows a token where the registry asks for none and the nodes do: each node says then what its user may.
 */
import { useSignal } from "@preact/signals";
import { logIn } from "../../broker/session.js";
import { TextField } from "../../parts/fields.js";
import { FormDialog } from "../../parts/form-dialog.js";
import { text } from "./text.js";

export const ShowToken = ({ onClose }: { readonly onClose: () => void }) => {
  const words = text();
  const token = useSignal("");
  const shown = token.value.trim();
  return (
    <FormDialog
      title={words.showToken}
      deed={words.showToken}
      isReady={shown !== ""}
      act={() => logIn(shown)}
      onClose={onClose}
    >
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
    </FormDialog>
  );
};
