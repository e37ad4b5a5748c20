/**
 * Where a node has users and was not shown the token of the reader: anybody may have listed it, so they say whether it may be.
 */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { NODE, node } from "../base/route.js";
import { connectAgain } from "../broker/link.js";
import { askServer, session } from "../broker/session.js";
import { useAction } from "../parts/action.js";
import { ErrorLine } from "../parts/error-line.js";
import { Name } from "../parts/name.js";
import { text } from "./text.js";

interface Trust {
  readonly http_addr: string;
  /** The node is shown the token. */
  readonly shown: boolean;
}

/** `error`: why the node refuses. */
export const TrustNode = ({ error }: { readonly error: Error }) => {
  const trust = useSignal<Trust | undefined>(undefined);
  const { value: who } = session;
  const { value: id } = node;
  const isAsked = who?.kind === "nodes" && who.user !== null && "code" in error && error.code === "UNAUTHORIZED";
  useEffect(() => {
    trust.value = undefined;
    if (!isAsked || id === undefined) return;
    askServer(`trust?${NODE}=${encodeURIComponent(id)}`).then(
      (answer) => {
        if (node.peek() === id) trust.value = answer as Trust;
      },
      () => {},
    );
  }, [isAsked, id]);
  const showing = useAction(async (http_addr: string) => {
    await askServer("trust", "POST", { http_addr });
    connectAgain();
  });
  const { value: now } = trust;
  if (!isAsked || now === undefined || now.shown) return null;
  return (
    <>
      <p>
        {text().notShown} <Name value={now.http_addr} />
      </p>
      <button type="button" onClick={() => void showing.run(now.http_addr)}>
        {text().showToken}
      </button>
      <ErrorLine error={showing.error} />
    </>
  );
};
