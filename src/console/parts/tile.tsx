/**
 * A number of several that stand together, in `<dl class="tiles">`.
 */
import "./tile.css";

interface TileProps {
  readonly label: string;
  readonly value: string;
  /** Below the value. */
  readonly about?: string | undefined;
  readonly href?: string;
  /** It asks for attention. */
  readonly isBad?: boolean;
}

export const Tile = ({ label, value, about, href, isBad = false }: TileProps) => (
  <div class={isBad ? "tile bad" : "tile"}>
    <dt>{href === undefined ? label : <a href={href}>{label}</a>}</dt>
    <dd>
      {value}
      {about !== undefined && <small>{about}</small>}
    </dd>
  </div>
);
