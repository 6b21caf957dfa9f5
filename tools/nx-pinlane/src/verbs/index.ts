import type { Verb } from '../command/verb.ts';

/**
 * Every verb there is, each loaded only when it is asked for: no verb pays for another. Executors, schemas, commands, reference pages and the manifest
 * follow from this list (`npm run generate`).
 */
export const VERBS = {
  bundle: async () => (await import('./bundle/verb.ts')).verb,
  buildx: async () => (await import('./buildx/verb.ts')).verb,
  pin: async () => (await import('./pin/verb.ts')).verb,
  acceptance: async () => (await import('./acceptance/verb.ts')).verb,
  'modal-deploy': async () => (await import('./modal-deploy/verb.ts')).verb,
  smoke: async () => (await import('./smoke/verb.ts')).verb,
  rollback: async () => (await import('./rollback/verb.ts')).verb,
  probe: async () => (await import('./probe/verb.ts')).verb,
  drift: async () => (await import('./drift/verb.ts')).verb,
  'secrets-sync': async () => (await import('./secrets-sync/verb.ts')).verb,
  base: async () => (await import('./base/verb.ts')).verb,
  'base-update': async () => (await import('./base-update/verb.ts')).verb,
  'base-pin': async () => (await import('./base-pin/verb.ts')).verb,
  'verify-pins': async () => (await import('./verify-pins/verb.ts')).verb,
  promotion: async () => (await import('./promotion/verb.ts')).verb,
  'drift-report': async () => (await import('./drift-report/verb.ts')).verb,
  lanes: async () => (await import('./lanes/verb.ts')).verb,
  doctor: async () => (await import('./doctor/verb.ts')).verb,
  since: async () => (await import('./since/verb.ts')).verb,
  'pin-edits': async () => (await import('./pin-edits/verb.ts')).verb,
  'commit-pins': async () => (await import('./commit-pins/verb.ts')).verb,
  'release-pr': async () => (await import('./release-pr/verb.ts')).verb,
  'merge-pins': async () => (await import('./merge-pins/verb.ts')).verb,
  rehearse: async () => (await import('./rehearse/verb.ts')).verb,
  'store-gc': async () => (await import('./store-gc/verb.ts')).verb,
  'store-serve': async () => (await import('./store-serve/verb.ts')).verb,
} satisfies Record<string, () => Promise<Verb>>;

/** The name of a verb. */
export type VerbName = keyof typeof VERBS;
