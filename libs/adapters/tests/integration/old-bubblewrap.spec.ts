import { describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@pinlane/testing';

// What a bubblewrap of before 0.7 says of an option that it doesn't know.
const OLD = `#!/bin/sh
for argument in "$@"; do test "$argument" = --size && { echo "bwrap: Unknown option --size" >&2; exit 1; }; done
echo "bubblewrap 0.6.1"
`;

describe('a bubblewrap that can not limit what a processor writes to memory', () => {
  it('is not available, and says why, so that another runtime is chosen', async () => {
    const folder = temporaryFolder('old-bwrap');
    writeFileSync(join(folder, 'bwrap'), OLD, { mode: 0o755 });
    process.env['PATH'] = `${folder}:${process.env['PATH']}`;
    const { bubblewrapRuntime } = await import('../../src/runtime/bubblewrap.ts');
    expect(await bubblewrapRuntime.availability()).toEqual({
      available: false,
      reason: 'bwrap is older than 0.7, and gives a tmpfs no size',
      fix: 'Update bubblewrap.',
    });
  });
});
