import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fail } from '@pinlane/contracts';
import { makeFolder } from '@pinlane/oci';
import { groupFields } from './grouping.ts';

const SECRET_FIELD = /(?:^|,)\s*((?:[a-z_]*(?:token|secret|password))[a-z_]*|[a-z_]*(?:account|secret_access)_key)=/i;

/** An entry without secrets, which an argument must not hold. @throws ERR_OPTION_INVALID */
const checked = (option: string, entry: string): string => {
  const found = SECRET_FIELD.exec(entry);
  if (found)
    fail('ERR_OPTION_INVALID', `--${option}: ${found[1]} is a secret, and an argument can be read by anyone on this machine`, {
      fix: 'Leave it out: BuildKit takes it from its environment, or from the login of the registry.',
    });
  return entry;
};

/** The entries of --cache-from. @throws ERR_OPTION_INVALID */
export const cacheSources = (given: readonly string[]): string[] => groupFields(given).map((entry) => checked('cacheFrom', entry));

/**
 * The entries of --cache-to, each with `ignore-error`, so that a good build does not fail of a cache that can't be written.
 * @throws ERR_OPTION_INVALID for `type=inline`, which would become part of the image's config
 */
export const cacheTargets = (given: readonly string[]): string[] =>
  groupFields(given).map((entry) => {
    const full = checked('cacheTo', entry.includes('=') ? entry : `type=registry,ref=${entry}`);
    const fields = full.split(',').map((field) => field.trim());
    if (fields.includes('type=inline'))
      fail('ERR_OPTION_INVALID', '--cacheTo: type=inline puts the cache into the image, and with it into its digest', {
        fix: 'Use type=registry with a ref of its own, type=gha or type=local.',
      });
    return fields.some((field) => field.startsWith('ignore-error=')) ? full : `${full},ignore-error=true`;
  });

/** Why the folder of a local cache can't be written to; null if it can, and for caches of other kinds. */
const localFault = async (entry: string, root: string): Promise<string | null> => {
  const fields = entry.split(',').map((field) => field.trim());
  const dest = fields.find((field) => field.startsWith('dest='))?.slice('dest='.length);
  if (!fields.includes('type=local') || dest === undefined || fields.includes('ignore-error=false')) return null;
  try {
    await makeFolder(resolve(root, dest));
    await access(resolve(root, dest), constants.W_OK);
    return null;
  } catch (thrown) {
    return `${dest}: ${(thrown as NodeJS.ErrnoException).code}`;
  }
};

/**
 * The entries of --cache-to that a build can be given. Buildx makes the folder of a local cache before anything else, when `ignore-error` does not help yet,
 * so an entry whose folder can't be written to is left out, with a note.
 */
export const writableTargets = async (given: readonly string[], root: string, note: (line: string) => void): Promise<string[]> => {
  const entries = groupFields(given);
  const faults = await Promise.all(entries.map((entry) => localFault(entry, root)));
  for (const fault of faults) if (fault !== null) note(`WARNING the cache will not be exported: ${fault}`);
  return entries.filter((_, at) => faults[at] === null);
};
