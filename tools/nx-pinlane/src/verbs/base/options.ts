import type { OptionsOf } from '../../command/verb.ts';
import { lane, reaching, skippable, uncached } from '../../images/options.ts';

/** The options of `base`. */
export const options = { ...uncached('Assemble the base even where the store has it; the digest is the same.'), ...reaching, ...lane };

/** What the plugin sets for itself. */
export const internalOptions = { ...skippable };

export type BaseOptions = OptionsOf<typeof options & typeof internalOptions>;
