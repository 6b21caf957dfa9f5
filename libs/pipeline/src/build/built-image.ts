import { STORE_HOST, type BuildPlan, type BuiltImage, type Digest, type PlatformDigests } from '@pinlane/contracts';

/** What building gave, besides what the plan says already. */
export interface MadeImage {
  readonly platforms: PlatformDigests;
  readonly index: Digest;
  readonly engine: BuiltImage['engine'];
  readonly revision: string | null;
  /** What was asked of the builder besides the source, as one hash. */
  readonly variant?: Digest;
  /** Names that the Dockerfile uses and that were given a context of their own. */
  readonly contexts?: readonly string[];
}

/** The record of an image that was just built: named in the store, pushed nowhere. */
export const builtImage = ({ slug, fingerprint, bases }: Pick<BuildPlan, 'slug' | 'fingerprint' | 'bases'>, made: MadeImage): BuiltImage => {
  const { platforms, index, engine, revision, variant, contexts = [] } = made;
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
    ...(variant === undefined ? {} : { variant }),
    ...(contexts.length === 0 ? {} : { contexts: [...contexts] }),
    bases,
    pushed: false,
  };
};
