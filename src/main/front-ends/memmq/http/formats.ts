/** What subscribers of `/sub` are told beside payloads: as JSON, or in headers. */
import { formatId, idTime } from "../../../../protocol/id.js";
import { eachEntry } from "../../../native/answer-reading.js";
import type { ChannelMessages, Subscribed } from "../channels.js";

/** Calls back with the JSON of each message. */
export const eachJson = (messages: ChannelMessages, onJson: (json: string) => void): void => {
  const { bytes, view, start, end, position, id } = messages;
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let number = 0;
  eachEntry(view, start, end, (from, to) => {
    const payload = whole.toString("base64", from, to);
    onJson(JSON.stringify({ ...placeOf(position, id, number), payload }));
    number++;
  });
};

/** The ids of a batch are consecutive within a millisecond: the high word is the same. */
const placeOf = (position: number | undefined, id: ChannelMessages["id"], number: number): object => ({
  ...(position === undefined ? {} : { position: position + number }),
  ...(id === undefined ? {} : { id: formatId(id.high, id.low + number), time: idTime(id.high, id.low + number) }),
});

export const subscribedJson = ({ epoch, position, kept, recovered, lost }: Subscribed): string =>
  JSON.stringify({
    subscribed: { epoch, position, kept, recovered: recovered ?? null, lost: lost ?? null },
  });

export const lostJson = (count: number): string => JSON.stringify({ lost: count });

/** The same as headers, as far as it is known. */
export const subscribedFields = ({
  epoch,
  position,
  kept,
  recovered,
  lost,
}: Subscribed): readonly (readonly [string, string])[] => {
  const fields: [string, string][] = [];
  const add = (name: string, value: string | number | boolean | undefined): void => {
    if (value !== undefined) fields.push([name, String(value)]);
  };
  add("Ringmq-Epoch", epoch);
  add("Ringmq-Position", position);
  add("Ringmq-Kept", kept);
  add("Ringmq-Recovered", recovered);
  add("Ringmq-Lost", lost);
  return fields;
};
