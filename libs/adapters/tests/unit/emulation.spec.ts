import { describe, expect, it } from '@jest/globals';
import { entryRuns } from '../../src/index.ts';

const ENTRY = `enabled
interpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P
flags: POF
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
`;

describe('an entry of binfmt_misc', () => {
  it('runs programs of the architecture whose header it matches, and of no other', () => {
    expect(entryRuns(ENTRY, 'arm64')).toBe(true);
    expect(entryRuns(ENTRY, 'amd64')).toBe(false);
    expect(entryRuns(ENTRY.replace('b700', '3e00'), 'amd64')).toBe(true);
  });

  it.each([
    ['is disabled', ENTRY.replace('enabled', 'disabled')],
    ['does not hold its interpreter open', ENTRY.replace('POF', 'PO')],
    ['goes by the name of a file', 'enabled\ninterpreter /usr/bin/python3\nflags: F\nextension .py\n'],
    ['is empty', ''],
  ])('runs nothing where it %s', (_, entry) => {
    expect(entryRuns(entry, 'arm64')).toBe(false);
    expect(entryRuns(entry, 'amd64')).toBe(false);
  });

  it('is matched byte for byte where it has no mask', () => {
    expect(entryRuns(ENTRY.replace(/^mask.*\n/m, ''), 'arm64')).toBe(true);
    expect(entryRuns(ENTRY.replace(/^mask.*\n/m, '').replace('0200b700', '0900b700'), 'arm64')).toBe(false);
  });
});
