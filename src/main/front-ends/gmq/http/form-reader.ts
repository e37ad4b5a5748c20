/** A form that comes in parts. */
export interface FormReader {
  /** Hands on what of the field is in these bytes, which are the caller's again when it returns. */
  write(bytes: Uint8Array): void;
  /** No more comes. Whether the field was there, whole. */
  end(): boolean;
}

/** The field of a push. */
export const DATA = "data";
