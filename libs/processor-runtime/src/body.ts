import { INPUTS_STATUS, MAX_BODY_BYTES } from '@pinlane/contracts/processor';
import { inputsError } from './errors.ts';

const MAX_DEPTH = 200;
// A caller that is cut off while it sends does not see the answer. A body that is too large is therefore read on to its end, or up to here.
const MAX_DISCARDED = 8 * MAX_BODY_BYTES;

/** Whether a JSON value is nested too deeply for code that walks it recursively. It walks level by level, which any depth allows. */
const isTooDeep = (value: unknown): boolean => {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) return true;
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []));
  }
  return false;
};

/** Parses the body of a request. @throws ERR_INPUTS */
export const parseBody = (bytes: Uint8Array): unknown => {
  let value: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    value = JSON.parse(text, (key, item: unknown) => {
      if (key === '__proto__') throw new Error('the key __proto__ is not allowed');
      return item;
    });
  } catch (error) {
    // The message of V8 quotes the text, which is the caller's data, so it is not passed on.
    const why = error instanceof SyntaxError ? '' : `: ${(error as Error).message}`;
    throw inputsError(`the body is not JSON in UTF-8${why}`);
  }
  if (isTooDeep(value)) throw inputsError(`the body is nested deeper than ${MAX_DEPTH} levels`);
  return value;
};

/** Reads and parses the body of a request. @throws ERR_INPUTS, with status 413 if it is too large */
export const readBody = async (stream: AsyncIterable<Uint8Array>): Promise<unknown> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.byteLength;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
    else if (size > MAX_DISCARDED) break;
    else chunks.length = 0;
  }
  if (size > MAX_BODY_BYTES) throw inputsError(`the body is larger than ${MAX_BODY_BYTES} bytes`, INPUTS_STATUS.tooLarge);
  if (size === 0) throw inputsError('the body is empty');
  return parseBody(Buffer.concat(chunks));
};
