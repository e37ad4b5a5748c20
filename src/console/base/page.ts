/**
 * What a page is. Each has a room of its own in `pages/`: components, and `text.ts` with their texts in both languages. It is made known
 * in `app/pages.ts`, and loaded when it is first shown; the connections are an example to go by.
 *
 * A page is drawn when there is a client, and anew with another one. It asks through `usePolled` and acts through `useAction`; what
 * fails is shown by an `ErrorLine` beside it. Names and bodies come from anybody: `Name` and `BodyView` show them.
 */
import type { ComponentType } from "preact";
import type { Client } from "ringmq/client";

export interface PageProps {
  readonly client: Client;
  /** What stands in the address for the `:names` of the page's path, decoded. */
  readonly params: Readonly<Record<string, string>>;
}

export type PageComponent = ComponentType<PageProps>;
