import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock, writeFileAtomic } from '@pinlane/oci';
import { fail } from '@pinlane/contracts';
import { readExactText } from './spec-file.ts';

const ATTEMPTS = 5;

/**
 * Replaces a text file by what `edit` makes of it. Of several processes that edit one file each sees the result of the one before. A
 * person who saves it meanwhile loses nothing: the file is read again right before it is replaced, and edited anew if it changed. A
 * symbolic link stays one; the file it leads to is replaced. If `edit` gives back the same text nothing is written.
 * @param file how messages name it
 * @throws ERR_REGISTRY_CONFLICT when the file keeps changing, and whatever `edit` throws
 */
export const replaceFile = async <T>(
  path: string,
  file: string,
  locks: string,
  edit: (text: string) => Promise<{ readonly text: string; readonly value: T }>,
  signal?: AbortSignal,
): Promise<T> => {
  const real = await realpath(path);
  const folder = join(locks, createHash('sha256').update(real).digest('hex').slice(0, 32));
  return withLock({ folder, temporary: join(locks, 'tmp'), patienceMs: 30_000, what: file, signal }, async () => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const before = await readExactText(real, file);
      const { text, value } = await edit(before);
      if (text === before) return value;
      if ((await readExactText(real, file)) !== before) continue;
      await writeFileAtomic(real, text, { temporaryFolder: join(locks, 'tmp') });
      return value;
    }
    return fail('ERR_REGISTRY_CONFLICT', 'the file changed each time it was to be written', { file });
  });
};
