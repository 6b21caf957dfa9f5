/** A value of a document that is to change; `null` is written as null. */
export interface Edit {
  readonly path: readonly [string, ...string[]];
  readonly value: string | null;
}

/** A replacement of a part of a text; an insertion if the part is empty. */
export interface Splice {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}
