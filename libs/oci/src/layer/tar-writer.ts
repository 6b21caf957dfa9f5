import { fail, isPinlaneError } from '@pinlane/contracts';
import { verified, type ChunkUse } from '../content/index.ts';
import { sortEntries, type FileEntry, type LayerEntry } from './entry.ts';
import { BLOCK, encodeEntry, padding } from './tar-header.ts';

const CHUNK = 128 * 1024;

/** A file's content. @throws ERR_CONTEXT_INVALID if it is not what the entry says */
async function* content(entry: FileEntry): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* verified(entry.open(), { digest: entry.sha256, size: entry.size });
  } catch (cause) {
    const vanished = (cause as NodeJS.ErrnoException | undefined)?.code;
    if (!isPinlaneError(cause, 'ERR_DIGEST_MISMATCH') && vanished !== 'ENOENT' && vanished !== 'ELOOP' && vanished !== 'ENOTDIR') throw cause;
    fail('ERR_CONTEXT_INVALID', `${JSON.stringify(entry.path)} changed or vanished while the image was built from it`, {
      cause,
      fix: 'Build again when nothing writes to it.',
    });
  }
}

async function* parts(entries: readonly LayerEntry[]): AsyncGenerator<Uint8Array, void, void> {
  for (const entry of sortEntries(entries)) {
    yield encodeEntry(entry);
    if (entry.type !== 'file') continue;
    yield* content(entry);
    yield padding(entry.size);
  }
  yield Buffer.alloc(2 * BLOCK);
}

/**
 * A tar of entries, sorted and with all times 0. The same entries give the same bytes in the same chunks, whatever the order of the entries and
 * the chunks of their content. Memory holds one chunk.
 * @throws ERR_CONTEXT_INVALID if a file's content is not what its entry says
 */
export async function* tarChunks(entries: readonly LayerEntry[], { lent = false }: ChunkUse = {}): AsyncGenerator<Buffer, void, void> {
  let chunk = Buffer.allocUnsafe(CHUNK);
  let filled = 0;
  for await (const part of parts(entries)) {
    for (let from = 0; from < part.length;) {
      const taken = Math.min(part.length - from, CHUNK - filled);
      chunk.set(part.subarray(from, from + taken), filled);
      from += taken;
      filled += taken;
      if (filled < CHUNK) continue;
      yield chunk;
      if (!lent) chunk = Buffer.allocUnsafe(CHUNK);
      filled = 0;
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled);
}
