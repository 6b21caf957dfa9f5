import type { OptionsOf } from '../../command/verb.ts';
import { bundledFirst } from '../../images/bundle-options.ts';
import { buildArgs, docker } from '../../images/docker-options.ts';
import { building, lane, rebuilding, skippable, uncached } from '../../images/options.ts';

/** The options of `buildx`. */
export const options = {
  ...building,
  buildArgs,
  ...rebuilding,
  ...uncached('Build even where the source was built before, and make every layer anew.'),
  ...docker,
  ...lane,
};

/** What the plugin sets for itself. */
export const internalOptions = {
  ...bundledFirst,
  ...skippable,
};

export type BuildxOptions = OptionsOf<typeof options & typeof internalOptions>;
