import { describe, expect, it } from '@jest/globals';
import { aboutFile } from '../../src/index.ts';

const failing = (error: unknown) => aboutFile('/some/file', () => Promise.reject(error)).catch((thrown: unknown) => thrown);
const systemError = (code: string, more: object = {}) => Object.assign(new Error(code), { code, syscall: 'write', ...more });

describe('an error about a file', () => {
  it.each(['ENOSPC', 'EDQUOT', 'EIO'])('names it if it does not: %s', async (code) => {
    expect(await failing(systemError(code))).toMatchObject({ code, path: '/some/file' });
  });

  it('keeps the name that it has', async () => {
    expect(await failing(systemError('ENOSPC', { path: '/another' }))).toMatchObject({ path: '/another' });
  });

  it.each([systemError('ECONNRESET'), new Error('of ours'), undefined, 'a text'])(
    'is no error of the connection that the bytes come from: %p',
    async (error) => {
      expect(await failing(error)).toBe(error);
      if (error instanceof Error) expect(error).not.toHaveProperty('path');
    },
  );
});
