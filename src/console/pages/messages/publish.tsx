/**
 * Publishes by hand: one message, or some that are equal.
 */
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import type { Client } from "ringmq/client";
import { useAction } from "../../parts/action.js";
import { Dialog } from "../../parts/dialog.js";
import { ErrorLine } from "../../parts/error-line.js";
import { DurationField, NumberField, TextField } from "../../parts/fields.js";
import { bytes, count } from "../../parts/format.js";
import { type BodyKind, parseHeaders, typedBody } from "./body-input.js";
import { text } from "./text.js";

const KINDS: readonly BodyKind[] = ["text", "json", "hex", "file"];

/** Messages that are published at once, at most. */
const MOST = 1_000;

interface BodyFieldProps {
  /** The largest message that the broker takes, in bytes. */
  readonly most: number;
  /** Undefined: there is no body. */
  readonly onInput: (body: string | Uint8Array | undefined) => void;
}

const BodyField = ({ most, onInput }: BodyFieldProps) => {
  const words = text();
  const kind = useSignal<BodyKind>("text");
  const typed = useSignal("");
  const fault = useSignal<string | undefined>(undefined);
  const id = useId();
  const read = (nextKind: BodyKind, next: string): void => {
    kind.value = nextKind;
    typed.value = next;
    const body = nextKind === "file" ? undefined : typedBody(nextKind, next);
    onInput(body);
    fault.value = undefined;
    if (body !== undefined || next === "") return;
    if (nextKind === "json") fault.value = words.badJson;
    if (nextKind === "hex") fault.value = words.badHex;
  };
  const readFile = async (file: File | undefined): Promise<void> => {
    onInput(undefined);
    fault.value = file !== undefined && file.size > most ? words.tooLarge(bytes(most)) : undefined;
    if (file === undefined || file.size > most) return;
    const body = new Uint8Array(await file.arrayBuffer());
    if (kind.peek() === "file") onInput(body);
  };
  return (
    <>
      <fieldset class="choice" aria-label={words.bodyKind}>
        {KINDS.map((each) => (
          <button key={each} type="button" aria-pressed={each === kind.value} onClick={() => read(each, typed.value)}>
            {words.bodies[each]}
          </button>
        ))}
      </fieldset>
      {kind.value === "file" ? (
        <div class="field">
          <label for={id}>{words.file}</label>
          <input id={id} type="file" onInput={(event) => void readFile(event.currentTarget.files?.[0])} />
          {fault.value !== undefined && <small class="fault">{fault.value}</small>}
        </div>
      ) : (
        <TextField
          label={words.body}
          value={typed.value}
          lines={6}
          fault={fault.value}
          onInput={(next) => read(kind.peek(), next)}
        />
      )}
    </>
  );
};

interface PublishProps {
  readonly client: Client;
  readonly topic: string;
  /** What the route key is at first. */
  readonly routeKey: string;
  readonly onPublished: () => Promise<void>;
  readonly onClose: () => void;
}

export const Publish = ({ client, topic, routeKey, onPublished, onClose }: PublishProps) => {
  const words = text();
  const body = useSignal<string | Uint8Array | undefined>("");
  const route = useSignal(routeKey);
  const delay = useSignal<number | undefined>(undefined);
  const ttl = useSignal<number | undefined>(undefined);
  const key = useSignal("");
  const typedHeaders = useSignal("");
  const copies = useSignal<number | undefined>(1);
  const done = useSignal<string | undefined>(undefined);
  const headers = parseHeaders(typedHeaders.value);
  const { run, isRunning, error } = useAction(async () => {
    done.value = undefined;
    if (body.value === undefined || copies.value === undefined || headers === undefined) return;
    const common = {
      routeKey: route.value,
      delay: delay.value ?? 0,
      ttl: ttl.value ?? 0,
      ...(Object.keys(headers).length > 0 && { headers }),
    };
    if (copies.value === 1) {
      const key_ = key.value === "" ? {} : { key: key.value };
      const { id, duplicate } = await client.publish(topic, body.value, { ...common, ...key_ });
      done.value = duplicate ? words.publishedDuplicate(id) : words.publishedOne(id);
    } else {
      const receipt = await client.publishBatch(topic, Array(copies.value).fill(body.value), common);
      done.value = words.publishedMany(count(receipt.count));
    }
    await onPublished();
  });
  const isWhole = body.value !== undefined && headers !== undefined && copies.value !== undefined;
  return (
    <Dialog title={words.publishTitle} onClose={onClose} wide>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <BodyField
          most={client.info.limits.maxMessageBytes}
          onInput={(next) => {
            body.value = next;
          }}
        />
        <div class="pairs">
          <TextField
            label={words.routeKey}
            hint={words.routeKeyHint}
            value={route.value}
            onInput={(next) => {
              route.value = next;
            }}
          />
          <DurationField
            label={words.delay}
            hint={words.delayHint}
            value={delay.value}
            onInput={(next) => {
              delay.value = next;
            }}
          />
          <DurationField
            label={words.ttl}
            hint={words.ttlHint}
            value={ttl.value}
            onInput={(next) => {
              ttl.value = next;
            }}
          />
          <TextField
            label={words.key}
            hint={words.keyHint}
            value={copies.value === 1 ? key.value : ""}
            onInput={(next) => {
              key.value = next;
            }}
          />
          <NumberField
            label={words.howMany}
            hint={words.howManyHint}
            min={1}
            max={MOST}
            value={copies.value}
            onInput={(next) => {
              copies.value = next;
            }}
          />
          <TextField
            label={words.headers}
            hint={words.headersHint}
            value={typedHeaders.value}
            fault={headers === undefined ? words.badHeaders : undefined}
            onInput={(next) => {
              typedHeaders.value = next;
            }}
          />
        </div>
        <ErrorLine error={error} />
        <footer>
          <output class="done">{done.value}</output>
          <button type="button" onClick={onClose}>
            {words.close}
          </button>
          <button type="submit" class="primary" disabled={!isWhole || isRunning}>
            {words.publish}
          </button>
        </footer>
      </form>
    </Dialog>
  );
};
