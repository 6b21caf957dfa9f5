import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { asPinlaneError, ERROR_CATALOGUE, fail, formatProblem, isMachineFault } from '../../src/index.ts';

const system = (code: string, more: object = {}) =>
  Object.assign(new Error(`${code}: said the system`), { code, errno: -1, syscall: 'open', path: '/a/b', ...more });

describe('an error of the system', () => {
  it.each([
    ['ENOSPC', 'ERR_NO_SPACE'],
    ['EDQUOT', 'ERR_NO_SPACE'],
    ['EROFS', 'ERR_READ_ONLY'],
    ['EACCES', 'ERR_PERMISSION'],
    ['EPERM', 'ERR_PERMISSION'],
    ['EMFILE', 'ERR_TOO_MANY_FILES'],
    ['ENFILE', 'ERR_TOO_MANY_FILES'],
    ['ENAMETOOLONG', 'ERR_NAME_TOO_LONG'],
    ...['EIO', 'ELOOP', 'ENOTDIR', 'EISDIR', 'EBUSY', 'ETXTBSY', 'ENOENT', 'ENOTEMPTY', 'EXDEV', 'ENOMEM', 'ESTALE', 'EFBIG', 'ENODEV', 'EOVERFLOW'].map(
      (code) => [code, 'ERR_SYSTEM'],
    ),
  ])('%s is %s, with its path and a remedy, also deep in others', (code, expected) => {
    const wraps = [
      (error: Error) => error,
      (error: Error) => new Error('it failed', { cause: error }),
      (error: Error) => new AggregateError([new Error('one of them', { cause: error })]),
    ];
    for (const wrap of wraps) {
      const error = asPinlaneError(wrap(system(code)));
      expect(error.problems).toEqual([{ code: expected, message: expect.stringMatching(new RegExp(`\\(${code}, open\\)$`)), file: '/a/b' }]);
      expect(error.message).toMatch(/\nfix: [A-Z]/);
      expect(error.message).not.toMatch(/[Rr]eport it/);
    }
  });

  it('that is real is told as it is', () => {
    const thrown = (path: string) => {
      try {
        return readFileSync(path);
      } catch (error) {
        return error;
      }
    };
    expect(formatProblem(asPinlaneError(thrown(`/${'x'.repeat(300)}`)).problems[0]!)).toMatch(/^ERR_NAME_TOO_LONG: \/x+: .*ENAMETOOLONG/);
    expect(asPinlaneError(thrown('/')).problems[0]?.message).toBe('it is a folder, where a file is needed (EISDIR, read)');
    expect(asPinlaneError(thrown('/'), { file: 'registry.yaml' }).problems[0]?.file).toBe('registry.yaml');
    expect(asPinlaneError(thrown('/none'), { file: 'registry.yaml' }).problems[0]?.file).toBe('/none');
  });

  it('names the other path, the address, and the program that is missing', () => {
    expect(asPinlaneError(system('EXDEV', { syscall: 'rename', dest: '/c' })).problems[0]?.message).toBe('it is on another disk (EXDEV, rename to /c)');
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), {
      code: 'ECONNREFUSED',
      errno: -111,
      syscall: 'connect',
      address: '127.0.0.1',
      port: 1,
    });
    expect(asPinlaneError(refused).problems[0]).toEqual({
      code: 'ERR_SYSTEM',
      message: 'connect ECONNREFUSED 127.0.0.1:1 (ECONNREFUSED, connect 127.0.0.1:1)',
    });
    expect(asPinlaneError(system('ENOENT', { syscall: 'spawn git', path: 'git' })).problems[0]).toMatchObject({ code: 'ERR_TOOL_MISSING' });
  });

  it('is told apart from one of the file that it was met at', () => {
    expect(['ENOSPC', 'EMFILE', 'EIO', 'EROFS'].map((code) => isMachineFault(new Error('x', { cause: system(code) })))).toEqual([true, true, true, true]);
    expect([system('EACCES'), system('ENOENT'), new Error('x'), null].map(isMachineFault)).toEqual([false, false, false, false]);
  });

  it('is not made of what is none', () => {
    const own = (() => {
      try {
        return fail('ERR_PIN_STALE', 'x', { cause: system('ENOSPC') });
      } catch (error) {
        return error;
      }
    })();
    expect(asPinlaneError(own)).toBe(own);
    for (const thrown of [
      new TypeError('x is undefined'),
      'text',
      undefined,
      null,
      { code: 'ENOSPC' },
      Object.assign(new Error('y'), { code: 'ERR_INVALID_ARG_TYPE' }),
    ])
      expect(asPinlaneError(thrown).code).toBe('ERR_INTERNAL');
    expect(ERROR_CATALOGUE.ERR_INTERNAL.remedy).toContain('Report it');
  });
});
