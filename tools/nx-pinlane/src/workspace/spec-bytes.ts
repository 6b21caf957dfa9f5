import { asPinlaneError, fail } from '@pinlane/contracts';
import { readSmallFile } from '@pinlane/oci';

/** The largest registry.yaml that is looked at, in bytes: no text of as many characters as are read (`SPEC_LIMIT`) has more in UTF-8. */
const LARGEST = 3 * 1024 * 1024;

/**
 * The bytes of a registry.yaml; it may be a link. Inference reads it by this, too, so it imports little.
 * @throws ERR_REGISTRY_SYNTAX if it is not there or no file, ERR_REGISTRY_TOO_LARGE, and what else keeps it from being read by its name
 */
export const readSpecBytes = (path: string, file: string): Uint8Array => {
  const read = (() => {
    try {
      return readSmallFile(path, LARGEST);
    } catch (thrown) {
      const named = asPinlaneError(thrown, { file });
      if (named.code !== 'ERR_SYSTEM') throw named;
      const { code, message } = thrown as NodeJS.ErrnoException;
      return fail('ERR_REGISTRY_SYNTAX', `the file can't be read (${code ?? message})`, {
        file,
        cause: thrown,
        fix: 'Put a plain file there, or remove what is there.',
      });
    }
  })();
  if (read.kind === 'special') return fail('ERR_REGISTRY_SYNTAX', 'it is no file that can be read', { file, fix: 'Put a plain file there, or remove it.' });
  if (read.kind === 'large') return fail('ERR_REGISTRY_TOO_LARGE', `it has ${read.size} bytes`, { file });
  return read.bytes;
};
