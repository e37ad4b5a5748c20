/**
 * The headers of a message: names and values as their sender has chosen them.
 */
import { useMemo } from "preact/hooks";
import "./body-view.css";
import { Name, visible } from "./name.js";
import { text } from "./text.js";

type Headers = Readonly<Record<string, unknown>>;

/** What JSON lacks is written as text: large integers, bytes in hexadecimal. */
const plain = (_: string, value: unknown): unknown => {
  if (typeof value === "bigint") return String(value);
  if (value instanceof Uint8Array) return Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return value;
};

const valueText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value, plain));

interface HeaderListProps {
  /** Decodes them; what it throws is shown in their place. */
  readonly read: () => Headers;
}

/** Nothing where there are none. */
export const HeaderList = ({ read }: HeaderListProps) => {
  const { headers, fault } = useMemo(() => {
    try {
      return { headers: Object.entries(read()), fault: "" };
    } catch (error) {
      return { headers: [], fault: String(error) };
    }
  }, [read]);
  if (fault !== "") return <p class="error">{visible(fault)}</p>;
  if (headers.length === 0) return null;
  return (
    <section class="headers" aria-label={text().headers}>
      <h3>{text().headers}</h3>
      <dl class="facts">
        {headers.map(([name, value]) => (
          <div key={name}>
            <dt>
              <Name value={name} />
            </dt>
            <dd>
              <bdi>{visible(valueText(value))}</bdi>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
};
