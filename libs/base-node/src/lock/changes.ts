import { ARCHITECTURES } from '@pinlane/contracts';
import type { BaseChange } from '../types.ts';
import type { BaseLock, PlatformLock } from './lock.ts';

const versions = ({ packages, node }: PlatformLock): Map<string, { version: string; digest: string }> =>
  new Map([...packages, { ...node, name: 'node' }].map(({ name, version, digest }) => [name, { version, digest }]));

/** The differences between two locks, by architecture and name. The same version with other bytes is a change too, and is marked. */
export const diffLocks = (before: BaseLock | null, after: BaseLock): BaseChange[] =>
  ARCHITECTURES.flatMap((architecture) => {
    const old = before === null ? new Map<string, { version: string; digest: string }>() : versions(before.platforms[architecture]);
    const fresh = versions(after.platforms[architecture]);
    const names = [...new Set([...old.keys(), ...fresh.keys()])].sort();
    return names.flatMap((name): BaseChange[] => {
      const [was, is] = [old.get(name), fresh.get(name)];
      if (was?.version === is?.version && was?.digest === is?.digest) return [];
      const to = is === undefined ? null : was?.version === is.version ? `${is.version} (other bytes)` : is.version;
      return [{ architecture, name, from: was?.version ?? null, to }];
    });
  });

/** One line for each change, `name: old -> new (architectures)`. */
export const summariseChanges = (changes: readonly BaseChange[]): string[] => {
  const byLine = new Map<string, string[]>();
  for (const { architecture, name, from, to } of changes) {
    const line = `${name}: ${from ?? 'not there'} -> ${to ?? 'removed'}`;
    byLine.set(line, [...(byLine.get(line) ?? []), architecture]);
  }
  return [...byLine].sort(([a], [b]) => (a < b ? -1 : 1)).map(([line, architectures]) => `${line} (${architectures.join(', ')})`);
};
