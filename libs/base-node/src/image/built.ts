import type { BuiltImage, Digest, PlatformDigests } from '@pinlane/contracts';
import { builtImage } from '@pinlane/pipeline';
import { ASSEMBLY_FORMAT } from '../lock/lock.ts';

/** The record of a base. Nothing in it depends on a commit: the lock alone decides what the base is. */
export const baseImage = (name: string, fingerprint: Digest, platforms: PlatformDigests, index: Digest): BuiltImage =>
  builtImage({ slug: name, fingerprint, bases: {} }, { platforms, index, engine: { name: 'embedded', version: `base-${ASSEMBLY_FORMAT}` }, revision: null });
