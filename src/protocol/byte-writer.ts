/**
 * A buffer that grows by doubling. Who keeps one for long writes without an allocation once it is large enough.
 */
export class ByteWriter {
  bytes: Uint8Array;
  view: DataView;
  /** Where the next byte goes. */
  end = 0;

  /** `capacity`: bytes, of which there is room at first. */
  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for n bytes past `end`. */
  reserve(n: number): void {
    const need = this.end + n;
    if (need <= this.bytes.length) return;
    let capacity = this.bytes.length * 2;
    while (capacity < need) capacity *= 2;
    const grown = new Uint8Array(capacity);
    grown.set(this.bytes.subarray(0, this.end));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}
