import type { OptionsOf } from '../../command/verb.ts';
import { looking } from '../../deploy/options.ts';

/** The options of `drift`. */
export const options = { ...looking };

export type DriftOptions = OptionsOf<typeof options>;
