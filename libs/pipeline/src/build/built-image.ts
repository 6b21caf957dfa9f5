import { STORE_HOST, type BuildPlan, type BuiltImage, type Digest, type PlatformDigests } from '@pinlane/contracts';

/** The result of a build, besides what its plan says already. */
export interface MadeImage {
  readonly platforms: PlatformDigests;
  readonly index: Digest;
  readonly engine: NonNullable<BuiltImage['engine']>;
  readonly revision: string | null;
}

/** The record of an image that was just built. It has a name in the store and was pushed nowhere. */
export const builtImage = ({ slug, fingerprint, bases }: Pick<BuildPlan, 'slug' | 'fingerprint' | 'bases'>, made: MadeImage): BuiltImage => {
  const { platforms, index, engine, revision } = made;
  return {
    kind: 'BuiltImage',
    schemaVersion: 1,
    name: slug,
    repository: `${STORE_HOST}/${slug}`,
    platforms,
    index,
    fingerprint,
    revision,
    engine,
    bases,
    pushed: false,
  };
};
