/**
 * Bytes as `hexdump -C` shows them.
 */
const WIDTH = 16;

const printable = (byte: number): string => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".");

/** `00000010  68 65 6c 6c 6f                                    |hello|` */
export const hexText = (bytes: Uint8Array): string => {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += WIDTH) {
    const row = [...bytes.subarray(at, at + WIDTH)];
    const hex = row.map((byte, i) => `${i === WIDTH / 2 ? " " : ""}${byte.toString(16).padStart(2, "0")}`).join(" ");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${hex.padEnd(3 * WIDTH)}  |${row.map(printable).join("")}|`);
  }
  return lines.join("\n");
};
