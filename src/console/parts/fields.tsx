/**
 * Fields of forms: each has its label, and tells what is wrong with what was typed as soon as it is.
 *
 * Numbers and times are the reader's text until they are whole: `onInput` gets undefined for what is none.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { durationText, parseDuration } from "./duration.js";
import { count } from "./format.js";
import { text } from "./text.js";

interface FieldProps {
  readonly label: ComponentChildren;
  /** Below the field: what it is for, its unit, its default. */
  readonly hint?: ComponentChildren;
}

interface TextFieldProps extends FieldProps {
  readonly value: string;
  readonly onInput: (value: string) => void;
  /** It is not shown. */
  readonly secret?: boolean;
  readonly placeholder?: string;
  readonly autocomplete?: string;
  /** What is wrong with it; undefined: nothing. */
  readonly fault?: string | undefined;
  /** More lines than one. */
  readonly lines?: number;
}

export const TextField = ({ label, hint, value, onInput, fault, lines, secret = false, ...rest }: TextFieldProps) => {
  const id = useId();
  const about = fault ?? hint;
  const common = {
    ...rest,
    id,
    value,
    spellcheck: false,
    "aria-invalid": fault !== undefined,
    ...(about === undefined ? {} : { "aria-describedby": `${id}-about` }),
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {lines === undefined && secret && (
        <input {...common} type="password" onInput={(event) => onInput(event.currentTarget.value)} />
      )}
      {lines === undefined && !secret && (
        <input {...common} type="text" onInput={(event) => onInput(event.currentTarget.value)} />
      )}
      {lines !== undefined && (
        <textarea {...common} rows={lines} onInput={(event) => onInput(event.currentTarget.value)} />
      )}
      {about !== undefined && (
        <small id={`${id}-about`} class={fault === undefined ? "" : "fault"}>
          {about}
        </small>
      )}
    </div>
  );
};

interface ParsedFieldProps<T> extends FieldProps {
  readonly value: T | undefined;
  readonly onInput: (value: T | undefined) => void;
  readonly parse: (text: string) => T | undefined;
  readonly write: (value: T) => string;
  readonly refusal: string;
  readonly placeholder?: string;
}

/** Keeps the text as it was typed, and gives what it means. */
const ParsedField = <T,>({ value, onInput, parse, write, refusal, ...rest }: ParsedFieldProps<T>) => {
  const typed = useSignal(value === undefined ? "" : write(value));
  // Another value from outside is written anew.
  if (value !== undefined && parse(typed.peek()) !== value) typed.value = write(value);
  const isWrong = typed.value.trim() !== "" && parse(typed.value) === undefined;
  return (
    <TextField
      {...rest}
      value={typed.value}
      fault={isWrong ? refusal : undefined}
      onInput={(next) => {
        typed.value = next;
        onInput(parse(next));
      }}
    />
  );
};

interface NumberFieldProps extends FieldProps {
  readonly value: number | undefined;
  /** Undefined: what was typed is empty or no such number. */
  readonly onInput: (value: number | undefined) => void;
  readonly min?: number;
  readonly max?: number;
  /** Parts of 1 as well. */
  readonly fractions?: boolean;
  readonly placeholder?: string;
}

export const NumberField = ({
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
  fractions = false,
  ...rest
}: NumberFieldProps) => {
  const parse = (typed: string): number | undefined => {
    const plain = typed.trim();
    if (!(fractions ? /^\d{1,15}(?:\.\d{1,15})?$/ : /^\d{1,16}$/).test(plain)) return undefined;
    const value = Number(plain);
    return value >= min && value <= max ? value : undefined;
  };
  const isBounded = max < Number.MAX_SAFE_INTEGER;
  const refusal = isBounded ? text().between(String(min), fractions ? String(max) : count(max)) : text().notANumber;
  return <ParsedField {...rest} parse={parse} write={String} refusal={refusal} />;
};

interface DurationFieldProps extends FieldProps {
  /** Milliseconds. */
  readonly value: number | undefined;
  /** Undefined: what was typed is empty or no length of time. */
  readonly onInput: (milliseconds: number | undefined) => void;
  readonly placeholder?: string;
}

export const DurationField = (props: DurationFieldProps) => (
  <ParsedField {...props} parse={parseDuration} write={durationText} refusal={text().notADuration} />
);

interface SelectFieldProps<V extends string> extends FieldProps {
  readonly value: V;
  /** Values and what they are called. */
  readonly options: readonly (readonly [V, string])[];
  readonly onInput: (value: V) => void;
}

export const SelectField = <V extends string>({ label, hint, value, options, onInput }: SelectFieldProps<V>) => {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onInput={(event) => onInput(event.currentTarget.value as V)}>
        {options.map(([each, name]) => (
          <option key={each} value={each}>
            {name}
          </option>
        ))}
      </select>
      {hint !== undefined && <small>{hint}</small>}
    </div>
  );
};

interface CheckFieldProps extends FieldProps {
  readonly value: boolean;
  readonly onInput: (value: boolean) => void;
}

export const CheckField = ({ label, hint, value, onInput }: CheckFieldProps) => (
  <div class="field check">
    <label>
      <input type="checkbox" checked={value} onInput={(event) => onInput(event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
    {hint !== undefined && <small>{hint}</small>}
  </div>
);
