/**
 * The configuration of a channel: what is changed is marked, and only that is sent.
 */
import { useSignal } from "@preact/signals";
import type { ChannelConfig, Client } from "ringmq/client";
import { CheckField, DurationField, NumberField, SelectField } from "../../parts/fields.js";
import { FormDialog } from "../../parts/form-dialog.js";
import { text } from "./text.js";

interface ConfigDialogProps {
  readonly client: Client;
  readonly channel: string;
  readonly config: ChannelConfig;
  readonly onSaved: () => Promise<void>;
  readonly onClose: () => void;
}

/** What was typed; undefined: no value of its kind. */
type Draft = { readonly [K in keyof ChannelConfig]?: ChannelConfig[K] | undefined };

type NumberKey = "maxMessages" | "maxBytes" | "maxAge" | "history" | "historyBytes";

const DURABILITIES = ["fsync", "write", "memory"] as const;

const changesOf = (config: ChannelConfig, draft: Draft): Draft =>
  Object.fromEntries(Object.entries(draft).filter(([key, value]) => config[key as keyof ChannelConfig] !== value));

export const ConfigDialog = ({ client, channel, config, onSaved, onClose }: ConfigDialogProps) => {
  const words = text();
  // What it was when the dialog was opened: somebody else's change is not undone by what was not touched here.
  const before = useSignal(config).value;
  const draft = useSignal<Draft>({});
  const changes = changesOf(before, draft.value);
  const isWhole = !Object.values(changes).includes(undefined);
  const isChanged = Object.keys(changes).length > 0;
  const save = async (): Promise<void> => {
    await client.configureChannel(channel, changes as Partial<ChannelConfig>);
    await onSaved();
  };
  const set = (change: Draft): void => {
    draft.value = { ...draft.value, ...change };
  };
  const label = (key: keyof ChannelConfig, name: string) => (
    <>
      {name} {key in changes && <span class="tag warn">{words.changed}</span>}
    </>
  );
  const numeric = (key: NumberKey, name: string) => ({
    label: label(key, name),
    value: key in draft.value ? draft.value[key] : before[key],
    onInput: (value: number | undefined) => set({ [key]: value }),
  });
  const durability = draft.value.durability ?? before.durability ?? "";
  const choices = before.durability === undefined ? (["", ...DURABILITIES] as const) : DURABILITIES;
  return (
    <FormDialog
      title={words.configureTitle}
      deed={words.save}
      isReady={isChanged && isWhole}
      act={save}
      onClose={onClose}
    >
      <CheckField
        label={label("keep", words.keepField)}
        hint={words.keepHint}
        value={draft.value.keep ?? before.keep}
        onInput={(keep) => set({ keep })}
      />
      <NumberField {...numeric("maxMessages", words.maxMessages)} hint={words.noLimit} />
      <NumberField {...numeric("maxBytes", words.maxBytes)} hint={words.noLimit} />
      <DurationField {...numeric("maxAge", words.maxAge)} hint={words.noLimit} />
      <NumberField {...numeric("history", words.history)} hint={words.historyHint} max={65_536} />
      <NumberField {...numeric("historyBytes", words.historyBytes)} max={16 * 1_024 * 1_024} />
      <SelectField
        label={label("durability", words.durability)}
        value={durability}
        options={choices.map((each) => [each, words.durabilities[each]] as const)}
        onInput={(value) => set({ durability: value === "" ? undefined : value })}
      />
    </FormDialog>
  );
};
