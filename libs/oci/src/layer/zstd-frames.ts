import { createIntake, type Intake } from './intake.ts';
import { broken } from './packing-error.ts';

const MAGIC = 0xfd2fb528;
/** Skippable frames begin with any of the sixteen numbers from here on. */
const SKIPPABLE = 0x184d2a50;
/** Sizes in bytes of fields of a frame's header, by the flags in its first byte. */
const DICTIONARY_ID = [0, 1, 2, 4] as const;
const CONTENT_SIZE = [0, 2, 4, 8] as const;
/** Types of blocks: one byte that is repeated, and one that is not defined. */
const [RLE, RESERVED] = [1, 3];
/** A frame up to this size, in bytes, is given out whole. */
const SMALL = 4 * 1024;
/** The parts of a larger frame are given out in pieces of about this size, in bytes: a block may be of three, and each piece takes a round of the decompressor. */
const PIECE = 64 * 1024;

/** Each frame takes a round of the decompressor. So many are read whatever their size; of more, the mean size in bytes may not be below the other number. */
const [MANY, LEAST_MEAN] = [16_384, 32];

const cutOff = (): never => broken('end in the middle of a frame');

/** The bytes of a frame's header behind its first byte. */
const headerLength = (descriptor: number): number => {
  const single = (descriptor >> 5) & 1;
  const sizeFlag = descriptor >> 6;
  return 1 - single + DICTIONARY_ID[(descriptor & 3) as 0]! + (sizeFlag === 0 ? single : CONTENT_SIZE[sizeFlag as 0]!);
};

const need = async (intake: Intake, size: number): Promise<Buffer> => (size === 0 ? Buffer.alloc(0) : ((await intake.exactly(size)) ?? cutOff()));

/** The length of the small frame that some bytes begin with, found in one go; undefined if it is not all there, or not small, or no frame. */
const smallFrame = (bytes: Buffer): number | undefined => {
  const most = Math.min(bytes.length, SMALL);
  if (most < 5 || bytes.readUInt32LE() !== MAGIC) return undefined;
  const descriptor = bytes[4]!;
  for (let at = 5 + headerLength(descriptor); at + 3 <= most;) {
    const bits = bytes.readUIntLE(at, 3);
    const type = (bits >> 1) & 3;
    if (type === RESERVED) return undefined;
    at += 3 + (type === RLE ? 1 : bits >> 3);
    const end = at + (descriptor & 4);
    if ((bits & 1) === 1) return end <= most ? end : undefined;
  }
  return undefined;
};

/** The parts of one frame behind its magic number, as they come. */
async function* frameParts(intake: Intake): AsyncGenerator<Uint8Array, void, void> {
  const first = await need(intake, 1);
  yield first;
  yield await need(intake, headerLength(first[0]!));
  for (let last = false; !last;) {
    const header = await need(intake, 3);
    const bits = header.readUIntLE(0, 3);
    const type = (bits >> 1) & 3;
    if (type === RESERVED) broken('have a block of a type that is not defined');
    last = (bits & 1) === 1;
    yield header;
    for (let left = type === RLE ? 1 : bits >> 3; left > 0;) {
      const part = (await intake.some(left)) ?? cutOff();
      left -= part.length;
      yield Buffer.from(part);
    }
  }
  // A checksum of the content.
  if (first[0]! & 4) yield await need(intake, 4);
}

/** A frame of zstd, whole if it is small; else in parts, to be read before the next frame is asked for. */
export type ZstdFrame = { readonly whole: Uint8Array } | { readonly parts: AsyncIterable<Uint8Array> };

/** The same bytes in fewer pieces. */
async function* inPieces(first: readonly Uint8Array[], coming: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let piece = [...first];
  let size = 0;
  for await (const part of coming) {
    piece.push(part);
    if ((size += part.length) < PIECE) continue;
    yield Buffer.concat(piece);
    [piece, size] = [[], 0];
  }
  if (piece.length > 0) yield Buffer.concat(piece);
}

/** Reads the first parts of a frame to see whether it is small. */
const frameOf = async (intake: Intake, magic: Buffer): Promise<ZstdFrame> => {
  const coming = frameParts(intake);
  const first: Uint8Array[] = [magic];
  for (let size = magic.length; size <= SMALL;) {
    const next = await coming.next();
    if (next.done) return { whole: Buffer.concat(first) };
    first.push(next.value);
    size += next.value.length;
  }
  return { parts: inPieces(first, coming) };
};

const skip = async (intake: Intake): Promise<void> => {
  for (let left = (await need(intake, 4)).readUInt32LE(); left > 0;) left -= ((await intake.some(left)) ?? cutOff()).length;
};

/**
 * The frames of a zstd stream without those that are to be skipped (RFC 8878, section 3). Node's decompressor ends at the first frame whose end is not the
 * end of what it was given.
 * @throws PackingError if something else than frames comes, also at the end, or nothing at all
 */
export async function* zstdFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ZstdFrame, void, void> {
  const intake = createIntake(chunks, cutOff);
  let [frames, bytes] = [0, 0];
  try {
    for (;;) {
      const length = smallFrame(intake.ahead());
      bytes += length ?? SMALL;
      if (frames > MANY && bytes < frames * LEAST_MEAN) broken(`are more than ${MANY} frames, of fewer than ${LEAST_MEAN} bytes on the mean`);
      if (length !== undefined) yield { whole: (await intake.exactly(length))! };
      else {
        const magic = await intake.exactly(4);
        if (magic === undefined) break;
        const number = magic.readUInt32LE();
        if (number === MAGIC) yield await frameOf(intake, magic);
        else if (number >>> 4 === SKIPPABLE >>> 4) await skip(intake);
        else broken(frames === 0 ? 'do not begin with a frame of zstd' : 'have something else than a frame behind the last one');
      }
      frames += 1;
    }
    if (frames === 0) broken('are none');
  } finally {
    await intake.close();
  }
}
