/**
 * The head of a page: where it belongs, its title, and what can be done with all of it.
 */
import type { ComponentChildren } from "preact";
import { Fragment } from "preact";
import { useEffect } from "preact/hooks";
import { Name, visible } from "./name.js";

interface PageHeadProps {
  readonly title: string;
  /** The pages above it, from the top: their titles and addresses. */
  readonly above?: readonly { readonly title: string; readonly href: string }[];
  /** Buttons. */
  readonly children?: ComponentChildren;
}

export const PageHead = ({ title, above = [], children }: PageHeadProps) => {
  useEffect(() => {
    document.title = `${visible(title)} · ringmq`;
  }, [title]);
  return (
    <header class="page-head">
      <h1>
        {above.map(({ title: each, href }) => (
          <Fragment key={href}>
            <Name value={each} href={href} />
            <span class="muted"> / </span>
          </Fragment>
        ))}
        <Name value={title} />
      </h1>
      <div class="deeds">{children}</div>
    </header>
  );
};
