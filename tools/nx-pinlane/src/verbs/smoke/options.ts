import type { OptionsOf } from '../../command/verb.ts';
import { deploying } from '../../deploy/options.ts';

/** The options of `smoke`. */
export const options = { ...deploying };

export type SmokeOptions = OptionsOf<typeof options>;
