/**
 * The settings of a topic: what is changed is marked, and only that is sent.
 */
import { useSignal } from "@preact/signals";
import type { Client, TopicConfig } from "ringmq/client";
import { useAction } from "../../parts/action.js";
import { durationText } from "../../parts/duration.js";
import { ErrorLine } from "../../parts/error-line.js";
import { CheckField, DurationField, NumberField, SelectField } from "../../parts/fields.js";
import { count } from "../../parts/format.js";
import {
  changesIn,
  configOf,
  type Draft,
  GROUPS,
  isComplete,
  KINDS,
  type SettingName,
  type SettingValue,
} from "./settings.js";
import { text, type Words } from "./text.js";

/** As it is written beside a field. */
const shown = (name: SettingName, value: SettingValue, words: Words): string => {
  if (typeof value === "boolean") return value ? words.yes : words.no;
  if (typeof value === "string") return words.values[value as keyof Words["values"]];
  if (KINDS[name].type === "duration") return durationText(value);
  return Number.isInteger(value) ? count(value) : String(value);
};

interface SettingProps {
  readonly name: SettingName;
  /** What it is now. */
  readonly before: SettingValue;
  readonly draft: Draft;
  readonly onInput: (value: SettingValue | undefined) => void;
}

const Field = ({ name, before, draft, onInput }: SettingProps) => {
  const words = text();
  const kind = KINDS[name];
  const common = { label: words.labels[name], hint: words.hints[name] };
  const value = name in draft ? draft[name] : before;
  switch (kind.type) {
    case "flag":
      return <CheckField {...common} value={value === true} onInput={onInput} />;
    case "choice": {
      const values = before === "" ? ["", ...kind.values] : kind.values;
      const options = values.map((each) => [each, words.values[each as keyof Words["values"]]] as const);
      return <SelectField {...common} value={String(value)} options={options} onInput={onInput} />;
    }
    case "duration":
      return <DurationField {...common} value={value as number | undefined} onInput={onInput} />;
    case "number": {
      const { min, max, fractions = false } = kind;
      const bounds = { min, max, fractions };
      return <NumberField {...common} {...bounds} value={value as number | undefined} onInput={onInput} />;
    }
  }
};

const Setting = (props: SettingProps & { readonly isChanged: boolean }) => {
  const words = text();
  const { name, before, isChanged, onInput } = props;
  return (
    <div class={isChanged ? "setting changed" : "setting"}>
      <Field {...props} />
      {isChanged && (
        <small>
          {words.was(shown(name, before, words))}{" "}
          <button type="button" class="quiet" onClick={() => onInput(before)}>
            {words.undo}
          </button>
        </small>
      )}
    </div>
  );
};

interface SettingsFormProps {
  readonly client: Client;
  readonly topic: string;
  /** As it is now. */
  readonly config: TopicConfig;
  readonly onSaved: () => Promise<void>;
}

export const SettingsForm = ({ client, topic, config, onSaved }: SettingsFormProps) => {
  const words = text();
  const draft = useSignal<Draft>({});
  const isSaved = useSignal(false);
  const changes = changesIn(draft.value, config);
  const { run, isRunning, error } = useAction(async () => {
    await client.configure(topic, configOf(draft.value, changes));
    await onSaved();
    draft.value = {};
  });
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    isSaved.value = await run();
  };
  return (
    <form class="card settings" onSubmit={(event) => void submit(event)}>
      <h2>{words.settings}</h2>
      {GROUPS.map(({ title, names }) => (
        <fieldset key={title}>
          <legend>{words.groups[title]}</legend>
          <div class="fields">
            {names.map((name) => (
              <Setting
                key={name}
                name={name}
                before={config[name] ?? ""}
                draft={draft.value}
                isChanged={changes.includes(name)}
                onInput={(value) => {
                  isSaved.value = false;
                  draft.value = { ...draft.value, [name]: value };
                }}
              />
            ))}
          </div>
        </fieldset>
      ))}
      <footer>
        <ErrorLine error={error} />
        <output class="muted">
          {changes.length > 0 && words.changes(changes.length)}
          {changes.length === 0 && isSaved.value && words.saved}
        </output>
        <button type="submit" class="primary" disabled={!isComplete(draft.value, changes) || isRunning}>
          {words.save}
        </button>
      </footer>
    </form>
  );
};
