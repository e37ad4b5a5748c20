/** Something that is not as it should be in a data directory. */
export interface Damage {
  readonly file: string;
  readonly offset: number;
  readonly what: string;
}
