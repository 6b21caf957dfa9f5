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

const cutOff = (): never => broken('end in the middle of a frame');

/** The bytes of a frame's header behind its first byte. */
const headerLength = (descriptor: number): number => {
  const single = (descriptor >> 5) & 1;
  const sizeFlag = descriptor >> 6;
  return 1 - single + DICTIONARY_ID[(descriptor & 3) as 0]! + (sizeFlag === 0 ? single : CONTENT_SIZE[sizeFlag as 0]!);
};

const need = async (intake: Intake, size: number): Promise<Buffer> => (size === 0 ? Buffer.alloc(0) : ((await intake.exactly(size)) ?? cutOff()));

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
  async function* parts(): AsyncGenerator<Uint8Array, void, void> {
    yield Buffer.concat(first);
    yield* coming;
  }
  return { parts: parts() };
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
  let frames = 0;
  try {
    for (let magic = await intake.exactly(4); magic !== undefined; magic = await intake.exactly(4)) {
      frames += 1;
      const number = magic.readUInt32LE();
      if (number === MAGIC) yield await frameOf(intake, magic);
      else if (number >>> 4 === SKIPPABLE >>> 4) await skip(intake);
      else broken(frames === 1 ? 'do not begin with a frame of zstd' : 'have something else than a frame behind the last one');
    }
    if (frames === 0) broken('are none');
  } finally {
    await intake.close();
  }
}
