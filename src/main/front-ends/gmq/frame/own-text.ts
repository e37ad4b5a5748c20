/** A part of a text, with bytes of its own: as long as V8 holds a part that was cut out, it holds the whole text. */
export const ownText = (part: string): string => Buffer.from(part).toString();
