/**
 * How the connection is, when it is not as it should be.
 */
import { connectAgain, link } from "../broker/link.js";
import { session } from "../broker/session.js";
import { ErrorLine } from "../parts/error-line.js";
import { text } from "./text.js";

export const Banner = () => {
  const { value: now } = link;
  if (now.type === "connected" || now.type === "connecting") return null;
  const unavailable = session.value?.unavailable ?? null;
  const lost = unavailable === null ? text().lost : text().unavailable(unavailable);
  return (
    <div class="banner" role="status">
      <p>{now.type === "lost" ? lost : text().ended}</p>
      <ErrorLine error={now.error} />
      {now.type === "ended" && (
        <button type="button" onClick={connectAgain}>
          {text().again}
        </button>
      )}
    </div>
  );
};
