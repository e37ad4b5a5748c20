/**
 * Adds a node that does not announce itself.
 */
import { useSignal } from "@preact/signals";
import { NumberField, TextField } from "../../parts/fields.js";
import { FormDialog } from "../../parts/form-dialog.js";
import { addNode, type ListedNodes } from "./listed-nodes.js";
import { text } from "./text.js";

interface AddNodeProps {
  readonly kind: ListedNodes["list"]["kind"];
  readonly added: () => Promise<void>;
  readonly onClose: () => void;
}

const MOST_NODES = 1_024;
const MOST_WEIGHT = 2 ** 31 - 1;

export const AddNode = ({ kind, added, onClose }: AddNodeProps) => {
  const words = text();
  const id = useSignal<number | undefined>(undefined);
  const weight = useSignal<number | undefined>(1);
  const tcp = useSignal("");
  const http = useSignal("");
  const node =
    id.value === undefined || weight.value === undefined || tcp.value.trim() === "" || http.value.trim() === ""
      ? undefined
      : { node_id: id.value, weight: weight.value, tcp_addr: tcp.value.trim(), http_addr: http.value.trim() };
  const add = async (): Promise<void> => {
    if (node === undefined) return;
    await addNode(node);
    await added();
  };
  return (
    <FormDialog title={words.addTitle} deed={words.add} isReady={node !== undefined} act={add} onClose={onClose}>
      <div class="prose">
        <p>{words.addText}</p>
        <p>{kind === "etcd" ? words.addToEtcd : words.addToRegistry}</p>
      </div>
      <NumberField
        label={words.id}
        hint={words.idHint}
        min={1}
        max={MOST_NODES}
        value={id.value}
        onInput={(value) => {
          id.value = value;
        }}
      />
      <TextField
        label={words.tcp}
        placeholder="10.0.0.2:9503"
        value={tcp.value}
        onInput={(value) => {
          tcp.value = value;
        }}
      />
      <TextField
        label={words.http}
        placeholder="10.0.0.2:9504"
        value={http.value}
        onInput={(value) => {
          http.value = value;
        }}
      />
      <NumberField
        label={words.weight}
        hint={words.weightHint}
        max={MOST_WEIGHT}
        value={weight.value}
        onInput={(value) => {
          weight.value = value;
        }}
      />
    </FormDialog>
  );
};
