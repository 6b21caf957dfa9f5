import { createHash } from 'node:crypto';
import { refParts, type DeployEnvironment, type Ref } from '@pinlane/contracts';

/** The longest name that an app may have, in characters: Modal's limit. */
export const APP_NAME_AT_MOST = 64;
/** How many digits of a hash end a name that was cut. */
export const HASH_DIGITS = 12;

/** Who deploys from where; only names in `dev` hold it. */
export interface Deployer {
  /** The branch that is checked out; undefined if none is. */
  readonly branch: string | undefined;
  readonly user: string;
}

const hashOf = (parts: readonly string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, HASH_DIGITS);

/** A text in lower-case letters, digits and single hyphens; a hash of it if nothing of it can stay. */
const slugified = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '') || hashOf([text]);

/** A name within the limit: one that is longer is cut, and ends with a hash of all that it was made from. */
const cut = (name: string, from: readonly string[]): string =>
  name.length <= APP_NAME_AT_MOST ? name : `${name.slice(0, APP_NAME_AT_MOST - HASH_DIGITS - 1).replace(/-+$/, '')}-${hashOf(from)}`;

/**
 * The name of a processor's app in an environment: `<slug>-v<major>`, and in dev, which people share, `<branch>-<user>-<slug>-v<major>`. Lower-case letters,
 * digits and hyphens, 64 characters at most; what is longer is cut and hashed, so that names which were cut stay as distinct as what they were made from.
 */
export const appNameOf = (ref: Ref, environment: DeployEnvironment, { branch, user }: Deployer): string => {
  const { slug, major } = refParts(ref);
  const plain = `${slug}-v${major}`;
  if (environment !== 'dev') return cut(plain, [ref]);
  return cut(`${slugified(branch ?? 'detached')}-${slugified(user)}-${plain}`, [branch ?? '', user, ref]);
};

/** The name of the one secret that holds a processor's keys in an environment. */
export const secretNameOf = (ref: Ref): string => {
  const { slug, major } = refParts(ref);
  return cut(`${slug}-v${major}-secrets`, [ref]);
};
