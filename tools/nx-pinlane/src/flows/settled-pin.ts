import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CORE_SCHEMA, load } from 'js-yaml';
import { STORE_HOST } from '@pinlane/contracts';
import { hasWholeImage } from './store-glance.ts';

type Values = Readonly<Record<string, unknown>>;

/** What the record of a build says, as far as pins repeat it. */
export interface RecordedBuild {
  readonly index: string;
  readonly pushed: boolean;
  readonly repository: string;
  readonly fingerprint: string;
  /** Architecture to digest. */
  readonly platforms: Values;
  readonly cacheKey?: string;
}

const same = (a: Values, b: Values): boolean => {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
};

/** Whether the pins of a registry.yaml are those that pinning this build would write, or leave as they are. */
export const pinsRepeat = (text: string, { repository, platforms, index, fingerprint }: RecordedBuild): boolean => {
  const { image } = load(text, { schema: CORE_SCHEMA }) as { image?: { platforms?: Values; index?: unknown; source?: { fingerprint?: unknown } } };
  // What is only in the store takes no published name from a pin: see `planPins`.
  const inStore = (pin: string) => pin.startsWith(`${STORE_HOST}/`);
  const named = (pin: unknown) => (inStore(repository) && !inStore(String(pin)) ? String(pin).replace(/^.*@/, `${repository}@`) : pin);
  const wanted = Object.fromEntries(Object.entries(platforms).map(([architecture, digest]) => [architecture, `${repository}@${String(digest)}`]));
  const pinned = Object.fromEntries(Object.entries(image?.platforms ?? {}).map(([architecture, pin]) => [architecture, named(pin)]));
  return same(wanted, pinned) && named(image?.index) === `${repository}@${index}` && image?.source?.fingerprint === fingerprint;
};

/**
 * The text by which a pin that has nothing to do is known: registry.yaml pins what was built last, and the store has all of it, every byte
 * hashed like `pin` itself does. Null where there may be something to do, also where that can't be
 * found out, and where the image is in a registry: only `pin` asks those.
 */
export const settledPin = async (root: string, projectRoot: string, store: string, record: RecordedBuild): Promise<string | null> => {
  if (record.pushed) return null;
  try {
    const text = await readFile(join(root, projectRoot, 'registry.yaml'), 'utf8');
    if (!pinsRepeat(text, record)) return null;
    if (!(await hasWholeImage(store, record.index, { hashed: true }))) return null;
    return createHash('sha256')
      .update(`${JSON.stringify(record)}\n${text}`)
      .digest('hex');
  } catch {
    return null;
  }
};
