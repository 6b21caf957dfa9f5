import type { Rule } from './rule.ts';
import { guardRules } from './guard.ts';
import { healthRules } from './health.ts';
import { errorRules, inputRules } from './inputs.ts';
import { isolationRules } from './isolation.ts';
import { limitRules } from './limits.ts';
import { logRules } from './logs.ts';
import { outputRules } from './outputs.ts';
import { prefixRules } from './prefix.ts';
import { receiptRules } from './receipt.ts';
import { runRules } from './run.ts';
import { secretRules } from './secrets.ts';
import { streamRules } from './stream.ts';

/** Every rule of the contract (design, section 6), in the order in which it is checked. */
export const RULES: readonly Rule[] = [
  ...healthRules,
  ...runRules,
  ...outputRules,
  ...receiptRules,
  ...streamRules,
  ...inputRules,
  ...prefixRules,
  ...guardRules,
  ...secretRules,
  ...limitRules,
  ...errorRules,
  ...logRules,
  ...isolationRules,
];
