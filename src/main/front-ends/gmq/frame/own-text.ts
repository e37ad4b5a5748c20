/**
 * Text that is kept for long. V8 makes a part of a string (a match, a slice, a split) by pointing into the whole, which then
 * stays in memory as long as the part does: the id of a job would keep its body.
 */
export const ownText = (part: string): string => Buffer.from(part).toString();
