import { fail } from '@pinlane/contracts';
import { groupFields } from './options.ts';

const SECRET_FIELD = /(?:^|,)\s*((?:[a-z_]*(?:token|secret|password))[a-z_]*|[a-z_]*(?:account|secret_access)_key)=/i;

/** @throws ERR_OPTION_INVALID where an entry holds what must not be seen in an argument */
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
 * The entries of --cache-to, each with `ignore-error`, so that a cache that can't be written does not fail a build that is good.
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
