/** A part of some content, both ends included. */
export interface Part {
  readonly first: number;
  readonly last: number;
}

const BYTES = /^bytes=(\d*)-(\d*)$/;

/**
 * The part of `size` bytes that a Range header asks for (RFC 9110, section 14.2). `undefined` if there is no header, or one that may be ignored, such as for
 * several parts; `null` if the part is not there.
 */
export const partOf = (header: string | undefined, size: number): Part | null | undefined => {
  const [, from = '', to = ''] = BYTES.exec(header ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  if (from === '') return to === '0' || size === 0 ? null : { first: Math.max(0, size - Number(to)), last: size - 1 };
  const first = Number(from);
  const last = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  return first > last ? null : { first, last };
};

const CHUNK = /^(?:bytes )?(\d+)-(\d+)(?:\/(?:\d+|\*))?$/;

/** The place of an upload's chunk, from Content-Range (distribution specification, "Pushing a blob in chunks"); null if the header is malformed. */
export const chunkOf = (header: string): Part | null => {
  const [, first, last] = CHUNK.exec(header) ?? [];
  return first === undefined || Number(last) < Number(first) || !Number.isSafeInteger(Number(last)) ? null : { first: Number(first), last: Number(last) };
};
