/**
 * How the connection is, when it is not as it should be.
 */
import { connectAgain, link } from "../broker/link.js";
import { session } from "../broker/session.js";
import { ErrorLine } from "../parts/error-line.js";
import { visible } from "../parts/name.js";
import { text } from "./text.js";

export const Banner = () => {
  const { value: now } = link;
  if (now.type === "connected" || now.type === "connecting") return null;
  const { unavailable } = session.value ?? {};
  return (
    <div class="banner" role="status">
      {typeof unavailable === "string" ? (
        <p>{text().unavailable(visible(unavailable))}</p>
      ) : (
        <>
          <p>{text()[now.type]}</p>
          <ErrorLine error={now.error} />
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
