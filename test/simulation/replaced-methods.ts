/** Bugs that are planted into the methods of a class. */
import type { Makers } from "./life.js";

/** Does something with a method of all objects of a class replaced. */
const replaced = <T extends object, R>(prototype: T, own: Partial<T>, act: () => R): R => {
  const names = Object.keys(own) as (keyof T)[];
  const real = Object.fromEntries(names.map((name) => [name, prototype[name]]));
  Object.assign(prototype, own);
  try {
    return act();
  } finally {
    Object.assign(prototype, real);
  }
};

/** Each command is carried out with such a method. */
export const applying = <T extends object>(makers: Makers, prototype: T, own: Partial<T>): Makers => ({
  ...makers,
  shard: (options) => {
    const shard = makers.shard(options);
    const apply = shard.apply.bind(shard);
    shard.apply = (c, now) => replaced(prototype, own, () => apply(c, now));
    return shard;
  },
});

/** All that a shard does is, at whatever time. */
export const living = <T extends object>(makers: Makers, prototype: T, own: Partial<T>): Makers => ({
  ...makers,
  shard: (options) => {
    const shard = makers.shard(options);
    const { apply, turn } = shard;
    shard.apply = (c, now) => replaced(prototype, own, () => apply.call(shard, c, now));
    shard.turn = (now) => replaced(prototype, own, () => turn.call(shard, now));
    return shard;
  },
});

/** Each recovery is. */
export const recovering = <T extends object>(makers: Makers, prototype: T, own: Partial<T>): Makers => ({
  ...makers,
  recover: (options, target) => replaced(prototype, own, () => makers.recover(options, target)),
});
