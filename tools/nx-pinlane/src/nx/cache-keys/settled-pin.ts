import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { BuiltImage, ProcessorSpec } from '@pinlane/contracts';
import { pinsSay } from '@pinlane/pipeline';
import { CORE_SCHEMA, load } from 'js-yaml';
import { readSpecBytes } from '../../workspace/spec-bytes.ts';
import { hasWholeImage } from './stored-image.ts';

/** As much of a build's record as pins repeat. */
export type RecordedBuild = Pick<BuiltImage, 'index' | 'pushed' | 'repository' | 'fingerprint' | 'platforms' | 'cacheKey'>;

/**
 * The cache key of a pin that has nothing to do: registry.yaml pins the image that was built last, and the store has all of it, every byte
 * hashed, as `pin` itself does. Null if there may be something to do, if that can't be found out, and if the image is in a registry: only
 * `pin` asks registries.
 */
export const settledPin = async (root: string, projectRoot: string, store: string, record: RecordedBuild): Promise<string | null> => {
  if (record.pushed) return null;
  try {
    const text = Buffer.from(readSpecBytes(join(root, projectRoot, 'registry.yaml'), 'registry.yaml')).toString('utf8');
    const spec = load(text, { schema: CORE_SCHEMA }) as Pick<ProcessorSpec, 'image'>;
    if (!pinsSay(spec, record)) return null;
    if (!(await hasWholeImage(store, record.index, { hashed: true }))) return null;
    return createHash('sha256')
      .update(`${JSON.stringify(record)}\n${text}`)
      .digest('hex');
  } catch {
    return null;
  }
};
