/** What is shown of messages wherever they are: in a BROWSE, a FIND and a LOOKUP. */
import * as ext from "./extent.js";
import type { Store } from "./store.js";

/** When they died, are due, or their lease or time to live ends; 0: none of these. Milliseconds since 1970. */
export const timeOf = ({ extents, wheel }: Store, extent: number): number => {
  if (extents.state(extent) === ext.State.DEAD) return extents.times[extent] as number;
  return wheel.isScheduled(extent) ? wheel.dueOf(extent) : 0;
};

/** The number of their delivery while they are in flight, else 0. */
export const deliveryOf = ({ extents }: Store, extent: number): number =>
  extents.state(extent) === ext.State.IN_FLIGHT ? extents.get(extent, ext.DELIVERY) >>> 0 : 0;
