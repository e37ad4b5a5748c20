<<<<<<< HEAD
/** A part of a text, with bytes of its own: as long as V8 holds a part that was cut out, it holds the whole text. */
=======
/**
 * Text that is kept for long. V8 makes a part of a string (a match, a slice, a split) by pointing into the whole, which then
 * stays in memory as long as the part does: the id of a job would keep its body.
 */
>>>>>>> main
export const ownText = (part: string): string => Buffer.from(part).toString();
