import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { hashFile } from '../../src/hash-file.ts';

const NEVER = new AbortController().signal;

describe('the hash of a file', () => {
  it.each([0, 1, 256 * 1024, 256 * 1024 + 1, 3_000_000])('is that of all %d bytes', async (size) => {
    const file = join(temporaryFolder(), 'file');
    const bytes = Buffer.alloc(size, 'pinlane');
    writeFileSync(file, bytes);
    expect(await hashFile(file, 'sha256', NEVER)).toEqual(createHash('sha256').update(bytes).digest());
  });

  it('is refused once: a file that is gone tells nobody but the caller, also if the signal came first', async () => {
    const gone = join(temporaryFolder(), 'gone');
    for (const signal of [NEVER, AbortSignal.abort()]) await expect(hashFile(gone, 'sha256', signal)).rejects.toThrow();
    // An error that nobody listens for ends the process, and this test, a moment later.
    await sleep(50);
  });
});
