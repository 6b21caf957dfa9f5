import { STORE_HOST, type BuildPlan, type BuiltImage } from '@pinlane/contracts';

/** What an engine tells of the image it made. */
export type Made = Pick<BuiltImage, 'platforms' | 'index' | 'engine' | 'revision'>;

/** The record of an image that an engine put into the store; the one constructor of it. */
export const builtImage = ({ slug, fingerprint, bases }: Pick<BuildPlan, 'slug' | 'fingerprint' | 'bases'>, made: Made): BuiltImage => ({
  kind: 'BuiltImage',
  schemaVersion: 1,
  name: slug,
  repository: `${STORE_HOST}/${slug}`,
  platforms: made.platforms,
  index: made.index,
  fingerprint,
  revision: made.revision,
  engine: made.engine,
  bases,
  pushed: false,
});
