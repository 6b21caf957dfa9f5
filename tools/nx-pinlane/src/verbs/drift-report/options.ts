import type { OptionsOf } from '../../command/verb.ts';
import { looking } from '../../deploy/options.ts';

/** The options of `drift-report`. */
export const options = { ...looking };

export type DriftReportOptions = OptionsOf<typeof options>;
