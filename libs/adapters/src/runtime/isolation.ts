import type { Isolation, Platform, RuntimeName } from '@pinlane/contracts';
import { isEmulated } from './emulation.ts';

/** Limits that are enforced, by name. */
export type Enforced = { readonly [limit in keyof NonNullable<Isolation['limits']>]?: boolean };

/** What a runtime puts between a processor and this machine. The network counts as open until a probe proves that it is blocked. */
export const isolationOf = (runtime: RuntimeName, platform: Platform, enforced: Enforced = {}): Isolation => {
  const says = (limit: boolean | undefined): 'enforced' | 'none' => (limit === true ? 'enforced' : 'none');
  const nothing = runtime === 'host';
  return {
    runtime,
    network: 'open',
    filesystem: nothing ? 'open' : 'read-only',
    user: nothing ? 'same' : 'unprivileged',
    processes: nothing ? 'shared' : 'own',
    limits: { cpu: says(enforced.cpu), memory: says(enforced.memory), pids: says(enforced.pids) },
    emulated: isEmulated(platform),
  };
};
