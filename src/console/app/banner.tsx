/**
 * How the connection is, when it is not as it should be.
 */
import { node } from "../base/route.js";
import { connectAgain, link } from "../broker/link.js";
import { isOutdated, session } from "../broker/session.js";
import { ErrorLine } from "../parts/error-line.js";
import { visible } from "../parts/name.js";
import { text } from "./text.js";
import { TrustNode } from "./trust-node.js";

const Outdated = () => (
  <div class="banner" role="status">
    <p>{text().outdated(visible(session.value?.version ?? ""))}</p>
    <button type="button" onClick={() => location.reload()}>
      {text().loadAnew}
    </button>
  </div>
);

export const Banner = () => {
  const { value: now } = link;
  const lacksNode = session.value?.kind === "nodes" && node.value === undefined;
  if (now.type === "connected" || lacksNode) return isOutdated.value ? <Outdated /> : null;
  if (now.type === "connecting") return null;
  const { unavailable } = session.value ?? {};
  return (
    <div class="banner" role="status">
      {typeof unavailable === "string" ? (
        <p>{text().unavailable(visible(unavailable))}</p>
      ) : (
        <>
          <p>{text()[now.type]}</p>
          <ErrorLine error={now.error} />
          <TrustNode error={now.error} />
        </>
      )}
      {now.type === "ended" && (
        <button type="button" onClick={connectAgain}>
          {text().again}
        </button>
      )}
    </div>
  );
};
